from tests.cast import plant

__all__ = ["plant"]
