"""The terminal view in a browser (`egoact live --serve`).

main process: supervisor -> Gallery (a local socket in a private folder) <- viewer process, one a browser, the same app
              WebDoor (HTTP, textual-serve: xterm.js and a WebSocket) ----^ its terminal

A viewer sees snapshots and sends what keys ask for; it touches no device, no ring and no engine.
"""
