"""What the kernels of the CPU are made of: compilation, threads, vector registers, layouts."""
