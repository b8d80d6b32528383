"""Ratings by a language model behind any OpenAI-compatible server: vLLM, llama.cpp, Ollama, or a hosted one."""

from __future__ import annotations

import functools
import importlib
import json
import os
from collections.abc import Sequence
from typing import Any
from urllib.parse import urlsplit

from edge.errors import UsageError
from edge.text import printable
from trainer.narration.rating.backoff import Backoff, BusyError, retry_after_s
from trainer.narration.rating.prompt import AGAIN, Prompt
from trainer.narration.rating.rater import Pair, RaterError, Rating, UnratedError
from trainer.narration.rating.reply import percentage

NO_KEY = "none"
"""Sent where the environment has no key: servers of one's own want none."""

BUSY = frozenset({408, 409, 425, 429})
"""Answers that another time may be better ones; so may all from 500 on."""
HOPELESS = frozenset({401, 402, 403, 404})
"""Answers that no other pair would change."""


class ServerRater:
    """One request a pair, `concurrency` at a time, at temperature 0."""

    batch_pairs = 1

    def __init__(
        self,
        server: str,
        model: str,
        prompt: Prompt,
        backoff: Backoff,
        *,
        concurrency: int = 16,
        asks: int = 3,
        max_tokens: int = 64,
        timeout_s: float = 120.0,
        key_variable: str = "OPENAI_API_KEY",
    ) -> None:
        """Nothing is sent yet.

        Args:
            server: base address, such as http://localhost:8000/v1.
            asks: requests for a pair at most, when replies are no percentages.
            max_tokens: of a reply; one that is cut off counts as none.
            timeout_s: of one request.
            key_variable: name of the environment variable that holds the key.

        Raises:
            UsageError: the address is none, or holds a password. RaterError: the package openai is missing.
        """
        parts = urlsplit(server)
        shown = "***" if "@" in server else server
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UsageError(f"--server {printable(shown)}: give an address such as http://localhost:8000/v1")
        if parts.username or parts.password or parts.query:
            raise UsageError(f"--server: leave name, password and query out; a key comes from ${key_variable}")
        try:
            self._library = importlib.import_module("openai")
        except ModuleNotFoundError as error:
            reason = f"{error.name} is not installed"
            raise RaterError(f"--rater server: {reason}; run: pip install 'egoact[llm]'") from None
        self._key = os.environ.get(key_variable, "").strip() or NO_KEY
        self._key_variable = key_variable
        # Tries again are ours: they must wait for one another, and count.
        self._client = self._library.OpenAI(
            base_url=server,
            api_key=self._key,
            max_retries=0,
            timeout=timeout_s,
        )
        self._server, self._model, self._prompt, self._backoff = server, model, prompt, backoff
        self._asks, self._max_tokens = asks, max_tokens
        self.concurrency = concurrency
        # The number of asks is no part of it: a pair that got its rating keeps it.
        self.name = f"server {model}, prompt {prompt.checksum}"

    def rate(self, pairs: Sequence[Pair]) -> list[Rating]:
        return [self._rate(pair) for pair in pairs]

    def stop(self) -> None:
        self._backoff.stop()

    def _rate(self, pair: Pair) -> Rating:
        messages = [{"role": "user", "content": self._prompt.about(pair)}]
        reply = ""
        for asked in range(1, self._asks + 1):
            reply, whole = self._backoff.call(functools.partial(self._ask, messages))
            percent = percentage(reply) if whole else None
            if percent is not None:
                return Rating(percent, reply, asked)
            # At temperature 0 the same question gets the same reply.
            messages += [{"role": "assistant", "content": reply}, {"role": "user", "content": AGAIN}]
        return Rating(None, reply, self._asks)

    def _ask(self, messages: list[dict[str, str]]) -> tuple[str, bool]:
        """One request: the reply, and whether it is whole."""
        library = self._library
        try:
            answer = self._client.chat.completions.create(
                model=self._model, messages=messages, temperature=0, max_tokens=self._max_tokens
            )
            choice = answer.choices[0]
            return choice.message.content or "", choice.finish_reason != "length"
        except library.APIStatusError as error:
            raise self._refused(error) from None
        except library.APIError as error:  # no connection, one that broke, no answer in time
            raise BusyError(self._told(str(error.__cause__ or error))) from None
        except (json.JSONDecodeError, AttributeError, IndexError, TypeError) as error:
            raise BusyError(self._told(f"its answer is no chat completion ({error})")) from None

    def _refused(self, error: Any) -> Exception:
        status = int(error.status_code)
        detail = error.body.get("message", "") if isinstance(error.body, dict) else ""
        reason = self._told(f"answers {status}{': ' + str(detail) if detail else ''}")
        exhausted = isinstance(error.body, dict) and error.body.get("code") == "insufficient_quota"
        if status in HOPELESS or exhausted:
            hint = f"; set ${self._key_variable}" if status in (401, 403) else ""
            return RaterError(f"{reason}{hint}; what was rated is kept")
        if status in BUSY or status >= 500:
            return BusyError(reason, retry_after_s(error.response.headers.get("retry-after")))
        return UnratedError(reason)

    def _told(self, reason: str) -> str:
        """One line for people; some servers repeat the key that they refuse."""
        line = " ".join(f"{self._server}: {reason}".split())
        return (line if self._key == NO_KEY else line.replace(self._key, "[key]"))[:300]
