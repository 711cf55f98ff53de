"""What the CUDA kernels are run by: a device that compiles and launches, and its settings."""
