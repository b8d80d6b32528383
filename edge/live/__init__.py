"""Live: one process a sensor, one for inference, and the main one, which watches them and shows the view.

camera process     -> shared video ring -.
                                          > announcements (a pipe) -> inference: the pipeline of a replay -> snapshots
microphone process -> shared audio ring -'                                                                    |
       ^ kills and starts again                                                                               v
       '--------------------------------- main: supervisor, terminal view, signals <--------------------------'

A sensor has a process of its own because a hung read of a camera can only be ended by killing its process, and the
sound must not end with it. The shared memory has no name (`memfd_create`): whatever ends the processes, nothing stays.
"""
