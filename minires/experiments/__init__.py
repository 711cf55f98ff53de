"""Experiments on what depth does to gradients: their settings, measurements, tables and figures.

settings      which nets, on which data
record        what every layer of a model receives, forward and backward
gradflow      signal and gradient through depth: the main job
degradation   training error by depth
training      training error, and records on the way to it
lesions       what remains of a trained net without some of its blocks, or in another order
paths         how long the paths are through which the gradient flows
pictures      grey pictures for super-resolution and denoising
superres      learning what is missing from a picture, or the whole picture
transfer      features of some classes for others, with few labels
reproductions experiments of papers that can be run again, with a verdict
theory        what mean-field theory predicts
tables        rows, tables and run.json
statements    what the figures say, as sentences
figures       the pictures
"""
