"""The engine under the checks: what is on stage, waiting, rest, death, what is left behind.

It plays what the verbs ask for (`grader.verbs`), and knows none of their words.
"""
