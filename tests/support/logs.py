"""What a function has printed, as its log group shows it."""


def messages(logs, function, pattern=None):
    """In the order of the log; none as long as the group is not there: lines are stored after the answer is sent."""
    wanted = {"logGroupName": f"/aws/lambda/{function}"} | ({"filterPattern": pattern} if pattern else {})
    try:
        pages = logs.get_paginator("filter_log_events").paginate(**wanted)
        return [event["message"] for page in pages for event in page["events"]]
    except logs.exceptions.ResourceNotFoundException:
        return []
