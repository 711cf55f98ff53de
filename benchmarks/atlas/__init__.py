"""The atlas: depth × init × norm × skip × branch factor × learning rate on the digits.

    python -m benchmarks.atlas --store out/atlas

grid        which runs (atlas.toml), and how a net is named
summarise   a store of runs → one document, summary.json
theory      what theory says of each net: profiles, and depths at which training should end
figures     the small maps as a picture
page        one HTML file that needs no server and no network
statements  numbers for what the atlas shows
"""
