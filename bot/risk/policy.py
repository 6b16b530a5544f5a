"""The policy that answers danger above every rule and form."""

from __future__ import annotations

from typing import Any

from rasa.core.policies.policy import Policy, PolicyPrediction, SupportedData
from rasa.engine.graph import ExecutionContext
from rasa.engine.recipes.default_recipe import DefaultV1Recipe
from rasa.engine.storage.resource import Resource
from rasa.engine.storage.storage import ModelStorage
from rasa.shared.core.constants import ACTION_LISTEN_NAME
from rasa.shared.core.domain import Domain
from rasa.shared.core.events import ActionExecuted, UserUttered
from rasa.shared.core.generator import TrackerWithCachedStates
from rasa.shared.core.trackers import DialogueStateTracker
from rasa.shared.nlu.training_data.features import Features

SAFETY_ACTION = "action_safety"
HIGHEST_PRIORITY = 100


@DefaultV1Recipe.register(DefaultV1Recipe.ComponentType.POLICY_WITHOUT_END_TO_END_SUPPORT, is_trainable=True)
class SafetyPolicy(Policy):
    """Predicts the safety action when the message is read as high or acute, and to listen after it.

    Predictions of an active form beat any priority, as they are `is_no_user_prediction`; so are these, for the action and
    for the listening after it. Otherwise a form would go on, or a fallback would revert the message.
    """

    @staticmethod
    def get_default_config() -> dict[str, Any]:
        """Above every other policy."""
        return {"priority": HIGHEST_PRIORITY}

    @staticmethod
    def supported_data() -> SupportedData:
        """It learns from nothing."""
        return SupportedData.ML_DATA

    def train(
        self,
        training_trackers: list[TrackerWithCachedStates],
        domain: Domain,
        **kwargs: Any,
    ) -> Resource:
        """Nothing to learn: the reading decides."""
        return self._resource

    @classmethod
    def load(
        cls,
        config: dict[str, Any],
        model_storage: ModelStorage,
        resource: Resource,
        execution_context: ExecutionContext,
        **kwargs: Any,
    ) -> SafetyPolicy:
        """Nothing was stored."""
        return cls(config, model_storage, resource, execution_context)

    def predict_action_probabilities(
        self,
        tracker: DialogueStateTracker,
        domain: Domain,
        rule_only_data: dict[str, Any] | None = None,
        precomputations: dict[str, Features] | None = None,
        **kwargs: Any,
    ) -> PolicyPrediction:
        """The safety action, then listening, after a message that is read as high or acute; else no opinion."""
        risk = (tracker.latest_message.parse_data if tracker.latest_message else {}).get("risk") or {}
        if risk.get("level") not in ("high", "acute"):
            return self._prediction(self._default_predictions(domain))
        action = ACTION_LISTEN_NAME if _answered(tracker) else SAFETY_ACTION
        probabilities = self._default_predictions(domain)
        probabilities[domain.index_for_action(action)] = 1.0
        return self._prediction(probabilities, is_no_user_prediction=True)


def _answered(tracker: DialogueStateTracker) -> bool:
    """Whether the safety action ran since the last message."""
    for event in reversed(tracker.events):
        if isinstance(event, UserUttered):
            return False
        if isinstance(event, ActionExecuted) and event.action_name == SAFETY_ACTION:
            return True
    return False
