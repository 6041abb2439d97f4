"""The tables, in four modules as in the data model, and what a run needs besides."""

from __future__ import annotations

from storage.models.autopilot import AutoPilotKnowledge, AutoPilotLog, AutoPilotPerformanceSnapshot
from storage.models.base import Base
from storage.models.intelligence import PaperAIThoughtLog, PaperStrategyConfiguration
from storage.models.performance import PaperPerformanceMetrics, PaperTradingSession
from storage.models.runs import Command, Run, RunStatus, SessionCheckpoint, User
from storage.models.sweeps import Sweep, SweepCohort, Trial
from storage.models.trading import PaperPosition, PaperTrade, PaperTradingAccount, PaperTradingConfig

__all__ = [
    "AutoPilotKnowledge",
    "AutoPilotLog",
    "AutoPilotPerformanceSnapshot",
    "Base",
    "Command",
    "PaperAIThoughtLog",
    "PaperPerformanceMetrics",
    "PaperPosition",
    "PaperStrategyConfiguration",
    "PaperTrade",
    "PaperTradingAccount",
    "PaperTradingConfig",
    "PaperTradingSession",
    "Run",
    "RunStatus",
    "SessionCheckpoint",
    "Sweep",
    "SweepCohort",
    "Trial",
    "User",
]
