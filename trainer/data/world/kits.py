"""With what each action is done in each scenario: tool, object, colours and the words of the visual narration.

One row a kit: `tool colour object colour | words`. Which tool goes with `cut` and which with `peel` changes with the
scenario, so that a rule about tools learned in one domain misleads in another.
"""

from __future__ import annotations

from dataclasses import dataclass

from trainer.data.world.actions import LABELS
from trainer.data.world.domains import Rgb


@dataclass(frozen=True)
class Kit:
    """Tool and object (names of drawings), their colours, and the narration's words after '#C C '."""

    tool: str
    tool_rgb: Rgb
    target: str
    target_rgb: Rgb
    words: str


_ROWS: dict[str, str] = {
    "Sport": """
        knife    #3c4650 long  #d8c23a | cuts the grip tape with a cutter
        knife    #c8502d long  #e8e2d0 | peels the old tape off the racket with a blade
        bottle   #2f7fd0 cup   #e8e8ea | pours the water from the bottle into the cup
        none     #ffffff slab  #4a5a6a | sprinkles the chalk on the bench
        stick    #d0d4d8 cup   #d2542c | mixes the protein drink with a spoon
        scraper  #30343a slab  #7a4f33 | scrapes the mud off the board with a scraper
        sponge   #e9c93b round #e8e4da | washes the ball with a sponge
        cloth    #5aa05a round #d9772b | rubs the ball with a towel
        drill    #d24b2a slab  #585c66 | drills a hole in the base plate of the skate
        screwdriver #2f6fb0 slab #3f464f | screws the binding on the board
        bottle   #d0373a none  #ffffff | shakes the drinking bottle
        none     #ffffff sheet #d64545 | folds the jersey
        none     #ffffff box   #2c4f88 | opens the kit box
        none     #ffffff box   #2c4f88 | closes the kit box
        none     #ffffff panel #3a3f46 | turns on the treadmill
        none     #ffffff panel #3a3f46 | turns off the treadmill""",
    "Arts and craft": """
        knife    #e0b23a slab  #e9e4d4 | cuts the cardboard with a craft knife
        peeler   #7a8894 long  #c79a62 | peels the bamboo with a planer
        jug      #e6e6e6 bowl  #8fb7d9 | pours the water from the jug into the bowl
        none     #ffffff sheet #f2efe6 | sprinkles the glitter on the paper
        brush    #b5793e bowl  #7a54a8 | mixes the paint with a brush
        spatula  #c9a15a slab  #c8835a | scrapes the clay with a spatula
        sponge   #f0d060 bowl  #d7dde2 | washes the bowl with a sponge
        cloth    #d6d0c2 slab  #b98a58 | rubs the wood with a cloth
        drill    #2f8f86 slab  #caa06a | drills a hole in the wood
        screwdriver #d0a030 box #a9805a | screws the hinge on the box
        can      #c93a6a none  #ffffff | shakes the spray paint
        none     #ffffff sheet #f0a848 | folds the coloured paper
        none     #ffffff jar   #58a0c8 | opens the paint jar
        none     #ffffff jar   #58a0c8 | closes the paint jar
        none     #ffffff panel #e6e0d0 | turns on the glue gun
        none     #ffffff panel #e6e0d0 | turns off the glue gun""",
    "Playing": """
        knife    #f2f2f2 round #9ccf4a | cuts the play dough with a plastic knife
        peeler   #e2574c round #f0b04a | peels the sticker off the toy with a scraper
        cup      #52b0e0 bucket #f2cf3a | pours the sand from the cup into the bucket
        none     #ffffff tray  #6fb5e5 | sprinkles the beads in the tray
        stick    #e86aa0 bucket #5fbf6a | mixes the slime with a stick
        spatula  #f29a3a tray  #a06fc8 | scrapes the dough off the tray with a toy spatula
        sponge   #ffb0c8 long  #e2463a | washes the toy car with a sponge
        cloth    #f4f0a0 slab  #3a8f5a | rubs the game board with a cloth
        drill    #f2c230 slab  #50a0d8 | drills the block with a toy drill
        screwdriver #e2463a slab #f2e05a | screws the wheel on the toy
        tub      #6a58c0 none  #ffffff | shakes the dice cup
        none     #ffffff sheet #88c8e8 | folds the paper plane
        none     #ffffff box   #d24b4b | opens the toy box
        none     #ffffff box   #d24b4b | closes the toy box
        none     #ffffff panel #4a6fd0 | turns on the game console
        none     #ffffff panel #4a6fd0 | turns off the game console""",
    "Cooking": """
        knife    #26282c long  #e07b28 | cuts the carrot with a knife
        peeler   #3f9a58 round #c9a25a | peels the potato with a peeler
        jug      #dfe6ea bowl  #c9432f | pours the milk from the jug into the bowl
        none     #ffffff pan   #2e3034 | sprinkles the salt in the pan
        spoon    #a8713c bowl  #e6ddca | mixes the batter with a wooden spoon
        spatula  #30343a pan   #34363a | scrapes the pan with a spatula
        sponge   #f2d640 pan   #c8ccd0 | washes the pan with a sponge
        cloth    #d8dfe6 slab  #c9ccd2 | rubs the counter with a cloth
        drill    #e8e6e0 bowl  #d0d6da | drills the dough with a hand mixer
        screwdriver #40444a jar #8fae5a | screws the handle on the grater
        shaker   #c8ccd0 none  #ffffff | shakes the spice shaker
        none     #ffffff sheet #f0e6d2 | folds the dough
        none     #ffffff jar   #c04a3a | opens the jar
        none     #ffffff jar   #c04a3a | closes the jar
        none     #ffffff panel #1f2226 | turns on the cooker
        none     #ffffff panel #1f2226 | turns off the cooker""",
    "Gardening": """
        shears   #c8402f long  #6a8f3a | cuts the branch with the shears
        knife    #7a4a2a long  #8a6a42 | peels the bark with a knife
        jug      #3f8f6a pot   #b5643c | pours the water from the can into the pot
        none     #ffffff pot   #c07a4a | sprinkles the seeds in the pot
        trowel   #3a6fa0 bucket #4a4f4a | mixes the soil with a trowel
        trowel   #b04a2a slab  #7a6a52 | scrapes the moss off the stone with a trowel
        brush    #d0a040 pot   #a8583a | washes the pot with a brush
        cloth    #b9c49a round #7fae4a | rubs the melon with a cloth
        drill    #6a8f2f pot   #4a6a8a | drills a hole in the pot
        screwdriver #e0a030 slab #8a7a5a | screws the bracket on the fence
        tub      #d8d2b0 none  #ffffff | shakes the seed packet
        none     #ffffff sheet #5f7f4a | folds the garden fleece
        none     #ffffff box   #6f7f4a | opens the compost bin
        none     #ffffff box   #6f7f4a | closes the compost bin
        none     #ffffff panel #6a7a5a | turns on the sprinkler
        none     #ffffff panel #6a7a5a | turns off the sprinkler""",
    "Mechanic": """
        knife    #d8862a long  #2a2c30 | cuts the cable with a knife
        scraper  #50565e slab  #8a9096 | peels the gasket with a scraper
        can      #3f4a3a bucket #2f3338 | pours the oil from the can into the pan
        none     #ffffff slab  #5a6068 | sprinkles the powder on the oil stain
        stick    #aab0b6 cup   #8a8f3a | mixes the filler with a stick
        spatula  #9aa0a8 slab  #4a5058 | scrapes the paint off the plate with a blade
        brush    #c8a25a tray  #6a7078 | washes the part with a brush
        cloth    #c0523a round #a8aeb4 | rubs the bearing with a rag
        drill    #2a5fa8 slab  #70767e | drills a hole in the steel plate
        wrench   #b8bec4 slab  #5a626a | screws the bolt with a ratchet
        can      #d03a30 none  #ffffff | shakes the spray can
        none     #ffffff sheet #4a6a9a | folds the cover
        none     #ffffff box   #b0342a | opens the tool box
        none     #ffffff box   #b0342a | closes the tool box
        none     #ffffff panel #f0c030 | turns on the compressor
        none     #ffffff panel #f0c030 | turns off the compressor""",
    "Cleaning": """
        knife    #5a9ad0 sheet #e8d8a0 | cuts the wipe with a cutter
        peeler   #d0d4d8 slab  #f0f0ee | peels the label off the glass with a scraper
        bottle   #3fae8a bucket #3f6fc8 | pours the cleaner from the bottle into the bucket
        none     #ffffff tray  #c8d0d6 | sprinkles the baking soda in the sink
        brush    #e8e2d0 bucket #c83a4a | mixes the soap water with a brush
        scraper  #2f343a slab  #dfe6ea | scrapes the window with a scraper
        sponge   #58b0e8 tray  #d4dade | washes the tray with a sponge
        cloth    #f0c84a slab  #b8d4e0 | rubs the mirror with a cloth
        drill    #5a6068 slab  #d8d0c0 | drills a hole in the shelf
        screwdriver #3a9a6a panel #c8ccc8 | screws the handle on the door
        tub      #f0f0f0 none  #ffffff | shakes the cleaning powder
        none     #ffffff sheet #a8d0e8 | folds the towel
        none     #ffffff box   #9aa6ae | opens the dustbin
        none     #ffffff box   #9aa6ae | closes the dustbin
        none     #ffffff panel #d04a4a | turns on the vacuum cleaner
        none     #ffffff panel #d04a4a | turns off the vacuum cleaner""",
    "Building": """
        saw      #c87a2a long  #c8a468 | cuts the plank with a saw
        knife    #d8b02a slab  #b8a890 | peels the wallpaper with a knife
        bucket_tool #5a626a tray #8f9298 | pours the cement from the bucket into the tray
        none     #ffffff slab  #a8a49c | sprinkles the sand on the slab
        stick    #8a6a42 bucket #d8d4ca | mixes the plaster with a stick
        scraper  #a8743c slab  #cfc8b8 | scrapes the plaster with a trowel
        brush    #3a6fb0 bucket #4a5058 | washes the brush in the bucket
        cloth    #8a8478 long  #b0623a | rubs the pipe with a rag
        drill    #e0b020 slab  #9a958c | drills a hole in the concrete
        screwdriver #c83a2f slab #c09a60 | screws the board on the frame
        can      #e8e4da none  #ffffff | shakes the foam can
        none     #ffffff sheet #9fb0b8 | folds the plastic sheet
        none     #ffffff box   #3f464d | opens the case
        none     #ffffff box   #3f464d | closes the case
        none     #ffffff panel #8a9098 | turns on the mixer
        none     #ffffff panel #8a9098 | turns off the mixer""",
}


def _rgb(text: str) -> Rgb:
    value = int(text[1:], 16)
    return value >> 16, (value >> 8) & 255, value & 255


def _kit(row: str) -> Kit:
    drawing, words = row.split("|")
    tool, tool_colour, target, target_colour = drawing.split()
    return Kit(tool, _rgb(tool_colour), target, _rgb(target_colour), words.strip())


KITS: dict[tuple[str, str], Kit] = {
    (scenario, label): _kit(row)
    for scenario, rows in _ROWS.items()
    for label, row in zip(LABELS, rows.strip().splitlines(), strict=True)
}
