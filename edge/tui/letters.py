"""Big letters of half blocks, for the one word that must be read from afar. Our own pixel font, 5 pixels high."""

from __future__ import annotations

BIG_ROWS = 3
"""Terminal rows of a line of big letters."""

_PIXEL_ROWS = 6  # five of the font and one empty, so that they pair up in half blocks

_FONT = {
    "a": ".##. #..# #### #..# #..#",
    "b": "###. #..# ###. #..# ###.",
    "c": ".### #... #... #... .###",
    "d": "###. #..# #..# #..# ###.",
    "e": "#### #... ###. #... ####",
    "f": "#### #... ###. #... #...",
    "g": ".### #... #.## #..# .###",
    "h": "#..# #..# #### #..# #..#",
    "i": "### .#. .#. .#. ###",
    "j": "..## ...# ...# #..# .##.",
    "k": "#..# #.#. ##.. #.#. #..#",
    "l": "#... #... #... #... ####",
    "m": "#...# ##.## #.#.# #...# #...#",
    "n": "#..# ##.# #.## #..# #..#",
    "o": ".##. #..# #..# #..# .##.",
    "p": "###. #..# ###. #... #...",
    "q": ".##. #..# #..# #.## .###",
    "r": "###. #..# ###. #.#. #..#",
    "s": ".### #... .##. ...# ###.",
    "t": "##### ..#.. ..#.. ..#.. ..#..",
    "u": "#..# #..# #..# #..# .##.",
    "v": "#...# #...# .#.#. .#.#. ..#..",
    "w": "#...# #...# #.#.# ##.## #...#",
    "x": "#..# #..# .##. #..# #..#",
    "y": "#...# .#.#. ..#.. ..#.. ..#..",
    "z": "#### ...# .##. #... ####",
    "0": ".##. #..# #..# #..# .##.",
    "1": ".#. ##. .#. .#. ###",
    "2": "###. ...# .##. #... ####",
    "3": "###. ...# .##. ...# ###.",
    "4": "#..# #..# #### ...# ...#",
    "5": "#### #... ###. ...# ###.",
    "6": ".### #... ###. #..# .##.",
    "7": "#### ...# ..#. .#.. .#..",
    "8": ".##. #..# .##. #..# .##.",
    "9": ".##. #..# .### ...# ###.",
    "-": "... ... ### ... ...",
    "_": ".... .... .... .... ####",
    "/": "...# ...# ..#. .#.. .#..",
    " ": ".. .. .. .. ..",
}
_HALF_BLOCKS = {(False, False): " ", (True, False): "▀", (False, True): "▄", (True, True): "█"}


def big_letters(word: str) -> list[str] | None:
    """BIG_ROWS strings that draw the word; None when it holds a letter that the font lacks."""
    glyphs = [_FONT.get(letter) for letter in word.lower()]
    if not glyphs or None in glyphs:
        return None
    pixels = ["", "", "", "", ""]
    for glyph in glyphs:
        assert glyph is not None
        pixels = [row + part + "." for row, part in zip(pixels, glyph.split(" "), strict=True)]
    pixels = [*pixels, "." * len(pixels[0])]
    return [
        "".join(_HALF_BLOCKS[up == "#", down == "#"] for up, down in zip(pixels[row], pixels[row + 1], strict=True))
        for row in range(0, _PIXEL_ROWS, 2)
    ]
