"""Rasa custom actions, one file a skill. They run inside the process, on Rasa's thread, and hold no state of their own.

What has to happen outside the dialogue (open a case, erase a conversation) an action asks for by an effect: a custom message
`{"effect": name}` that `bot.conversation.engine` carries out in the message's closing transaction.
"""
