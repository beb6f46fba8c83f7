"""The course: labs, decision logs, the class debate."""
