"""Lint CUDA files without a GPU: compile them with NVRTC, run them checked in the emulator.

source      what the file holds: its kernels, and comments `// lint: …`
sizes       arithmetic on sizes, from text that is not trusted
launch      `scale<float> grid=ceil(n/128) x=float[n] n=1..2000 …`, and the launches drawn from it
selection   which kernels are looked at, and with which launches
lint        the whole: starts the tasks, and makes a result of their events
jobs        starts the worker, sets time limits to it, and outlives its crashes
worker      the process that compiles and runs kernels
launches    runs the launches of a kernel in several thread orders
arguments   arrays and numbers for a launch; and a launch where none is given
findings    what is told: errors, warnings, and what could not be looked at
report      a result as text or JSON
"""
