"""The hotline now: the state that the log gives, and the operator's definitions. Begin with `view` and `dispatcher`.

The leader writes by `dispatcher`; every other server plays along by `standby`; readers have `view`.
"""
