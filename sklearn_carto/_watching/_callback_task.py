"""Trainings as tasks of scikit-learn's callbacks."""

from __future__ import annotations

from contextlib import contextmanager


class TrainingTask:
    """One training told to scikit-learn's callbacks: a task of `fit`, with a task for each epoch.

    Parameters
    ----------
    fit : CallbackContext
        The task that this one is a part of.
    **told : object
        What callbacks are handed: `estimator`, `X`, `y` and `metadata`.
    """

    def __init__(self, fit, **told):
        self.fit, self.told = fit, told
        self.open: list = []

    def track(self, steps, ready=None):
        """Iterate over steps, each a task.

        Parameters
        ----------
        steps : sequence
            Epochs; or slices of rows, where the epochs of a finished training are replayed.
        ready : callable, default=None
            Gives the attributes of a copy of the estimator that could predict at the end of a step;
            called only if a callback asks for that copy. Where there is one, a callback may also
            ask for an end of the training. None: no copy could predict.

        Yields
        ------
        step : object
            The items of `steps`.
        """
        epochs = not isinstance(next(iter(steps), None), slice)
        self._begin(self.fit, "training", max_subtasks=len(steps))
        for step in steps:
            self._begin(self.open[0], "epoch" if epochs else "rows")
            yield step
            if self._end(ready) and ready:
                break
        self.close()

    def close(self):
        """End what is open, for example where a net has stopped early."""
        while self.open:
            self._end()

    @contextmanager
    def handed_to(self, estimator):
        """Let the tasks of an estimator that takes callbacks be those of this training."""
        context = self.fit.subcontext(task_name="training")
        with context.propagate_callback_context(estimator):
            context.call_on_fit_task_begin(**self.told)
            yield
            context.call_on_fit_task_end(**self.told)

    def _begin(self, parent, name, max_subtasks=0):
        context = parent.subcontext(task_name=name, max_subtasks=max_subtasks)
        self.open.append(context.call_on_fit_task_begin(**self.told))

    def _end(self, ready=None):
        context = self.open.pop()
        return context.call_on_fit_task_end(**self.told, reconstruction_attributes=ready)
