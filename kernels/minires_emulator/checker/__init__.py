"""Check a CUDA file without a GPU: compile it with NVRTC, run its kernels watched in the emulator.

command     `minires cuda-check FILE.cu`, also `python -m minires_emulator FILE.cu`
source      what the file holds: its kernels, and comments `// check: …`
check       the whole: chooses kernels and launches, starts the worker, gathers what it finds
launch      `scale<float> grid=ceil(n/128) x=float[n] n=1..2000 …`, and a launch where none is given
values      numbers and arrays for a launch
process     starts the worker and outlives its crashes
worker      the process that compiles kernels and runs them
runs        each launch in several thread orders
findings    what is told: errors, warnings, and what could not be looked at
report      a result as text or JSON
"""
