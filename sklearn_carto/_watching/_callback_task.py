"""Trainings as tasks of scikit-learn's callbacks."""

from __future__ import annotations

from contextlib import contextmanager


class TrainingTask:
    """One training as a task below `fit`, with a task for each epoch.

    Parameters
    ----------
    fit_task : CallbackContext
        The task of `fit`.
    **fit_args : object
        Arguments of the callbacks' methods: `estimator`, `X`, `y` and `metadata`.
    """

    def __init__(self, fit_task, **fit_args):
        self.fit_task, self.fit_args = fit_task, fit_args
        self.open: list = []

    def track(self, steps, reconstruction_attributes=None):
        """Iterate over steps, each a task.

        Steps are epochs; or slices of samples, where the epochs of a finished training are
        replayed. `reconstruction_attributes` is a function that returns the attributes of a copy of
        the estimator that can predict at the end of a step; it is called only if a callback
        requests that copy. With it, a callback may also stop the training. Without it, no copy can
        predict.
        """
        epochs = not isinstance(next(iter(steps), None), slice)
        self._begin(self.fit_task, "training", max_subtasks=len(steps))
        for step in steps:
            self._begin(self.open[0], "epoch" if epochs else "rows")
            yield step
            if self._end(reconstruction_attributes) and reconstruction_attributes:
                break
        self.close()

    def close(self):
        """End the tasks that are open, for example where a net has stopped early."""
        while self.open:
            self._end()

    @contextmanager
    def propagate_to(self, estimator):
        """Make the tasks of an estimator that supports callbacks tasks of this training."""
        context = self.fit_task.subcontext(task_name="training")
        with context.propagate_callback_context(estimator):
            context.call_on_fit_task_begin(**self.fit_args)
            yield
            context.call_on_fit_task_end(**self.fit_args)

    def _begin(self, parent, name, max_subtasks=0):
        context = parent.subcontext(task_name=name, max_subtasks=max_subtasks)
        self.open.append(context.call_on_fit_task_begin(**self.fit_args))

    def _end(self, reconstruction_attributes=None):
        context = self.open.pop()
        return context.call_on_fit_task_end(
            **self.fit_args, reconstruction_attributes=reconstruction_attributes
        )


class NoTask:
    """A training that no callbacks follow."""

    def track(self, steps, reconstruction_attributes=None):
        """Return the steps."""
        return steps

    def close(self):
        """Do nothing."""

    @contextmanager
    def propagate_to(self, estimator):
        """Do nothing."""
        yield
