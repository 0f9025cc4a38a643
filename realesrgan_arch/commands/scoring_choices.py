"""What `evaluate` and `sweep` offer, known before torch is: `--help` and a mistake need not wait for it.

The modules that do the work have the same words, and a test compares them.
"""

METRIC_STEPS = {
    "psnr": "0.5 dB",
    "ssim": "0.02",
    "psnr_y": "0.5 dB",
    "ssim_y": "0.02",
    "psnr_usm": "0.5 dB",
    "ssim_usm": "0.02",
    "niqe": "0.5",
    "lpips": "0.02",
    "dists": "0.02",
    "lpips_like": "0.01",
    "color": "0.2 dE",
    "edges": "0.5 deg",
}
"""The metrics in the order of their columns, and what counts as one step of each."""
DEFAULT_METRICS = ("psnr", "ssim", "niqe")
SCENES_TO_CLAIM = 7
"""Fewer can prove nothing in the default metrics."""
MAX_SIZE = 1024
BACKENDS = ("auto", "torch", "openvino", "onnxruntime")
ALPHAS = (0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0)
RULES = ("not-worse", "knee", "utility")
PRECISION = "fp32"
