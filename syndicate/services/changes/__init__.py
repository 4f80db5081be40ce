"""Change sequences: what each partner must add, correct and remove, in order.

change_service    answers `GET /licensed/changes` and `POST /licensed/changes/ack`
change_detector   compares what a partner holds with what it may have now
change_watcher    wakes waiting requests when there may be something new for them
page_builder      makes one answer from one state of the database
partner_snapshot  one partner's rights at one time
removal_search    finds the partners that may have something to remove
removals          whether a holding has ended, why, and by when it must be removed
takedowns         writes recalls and withdrawals, and marks those that are overdue
"""
