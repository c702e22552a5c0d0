"""Files: opening them, where one is in them, what is known of them, their names, directories, locks.

Their calls are jobs (`_jobs/jobs`): the disk may make them wait. So errors reject the promise, and
cancelling does nothing.
"""
