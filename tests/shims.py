"""Make basicsr and realesrgan importable in tests: `import tests.shims` before them."""

from realesrgan_arch.basicsr_shims import import_shims

import_shims()
