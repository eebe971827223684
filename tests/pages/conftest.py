from tests.plant import built, data_dir, northfield_site

__all__ = ["built", "data_dir", "northfield_site"]
