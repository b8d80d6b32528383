"""The training loop of every method.

settings.py says what a run is told, head_clips.py gives batches, epoch.py draws them, fit.py is the loop, predict.py
judges clips, run_state.py and metrics.py are what a run leaves on the disk, ranks.py joins several processes.
"""
