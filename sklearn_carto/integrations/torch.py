"""Record the training dynamics of any torch training loop, and train on a share that they choose.

Batches are passed to a recorder; a sampler draws the rows of each epoch.
"""

from sklearn_carto._recording._recorder import DynamicsRecorder

__all__ = ["DynamicSubsetSampler", "DynamicsRecorder"]  # noqa: F822  imported on first access


def __dir__():
    """List the public names."""
    return __all__


def __getattr__(name):
    """Import what needs torch itself on first access."""
    if name == "DynamicSubsetSampler":
        from sklearn_carto._utils._packages import require

        require("torch", "DynamicSubsetSampler", "sklearn-carto[torch]")
        from sklearn_carto.integrations._dynamic_sampler import DynamicSubsetSampler

        return DynamicSubsetSampler
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
