"""All acts of one server: a route, a command or a phone code reaches an act by its group's name."""

from __future__ import annotations

from server.usecases.agents import AgentActs
from server.usecases.browser_phones import BrowserPhoneActs
from server.usecases.bulletins import BulletinActs
from server.usecases.callbacks import CallbackActs
from server.usecases.calls import CallActs
from server.usecases.conversations import ConversationActs
from server.usecases.customer_import import CustomerImportActs
from server.usecases.customers import CustomerActs
from server.usecases.definition_versions import VersionActs
from server.usecases.definitions import DefinitionActs
from server.usecases.explanations import ExplanationActs
from server.usecases.exports import ExportActs
from server.usecases.flows import FlowActs
from server.usecases.handovers import HandoverActs
from server.usecases.knowledge import KnowledgeActs
from server.usecases.links import LinkActs
from server.usecases.lists import ListActs
from server.usecases.live import LiveActs
from server.usecases.openid import OpenIdActs
from server.usecases.prompts import PromptActs
from server.usecases.quality import QualityActs
from server.usecases.quality_reviews import ReviewActs
from server.usecases.quality_training import TrainingActs
from server.usecases.recording_care import RecordingCareActs
from server.usecases.recording_deletion import RecordingDeletionActs
from server.usecases.recordings import RecordingActs
from server.usecases.register_exports import register_kinds
from server.usecases.report_exports import report_kinds
from server.usecases.reports import ReportActs
from server.usecases.score_exports import score_kinds
from server.usecases.server import Server
from server.usecases.sign_in import SignInActs
from server.usecases.ticket_drafts import TicketDraftActs
from server.usecases.ticket_links import TicketLinkActs
from server.usecases.tickets import TicketActs
from server.usecases.tokens import TokenActs
from server.usecases.trunks import TrunkActs
from server.usecases.users import UserActs
from server.usecases.webhooks import WebhookActs


class UseCases:
    """The groups of acts, one for each resource."""

    def __init__(self, server: Server) -> None:
        self.agents = AgentActs(server)
        self.calls = CallActs(server)
        self.conversations = ConversationActs(server)
        self.callbacks = CallbackActs(server)
        self.tickets = TicketActs(server)
        self.ticket_drafts = TicketDraftActs(server, self.tickets)
        self.recordings = RecordingActs(server)
        self.recording_care = RecordingCareActs(server)
        self.recording_deletion = RecordingDeletionActs(server)
        self.versions = VersionActs(server)
        self.flows = FlowActs(server)
        self.prompts = PromptActs(server, self.versions)
        self.definitions = DefinitionActs(server, self.versions)
        self.trunks = TrunkActs(server)
        self.tokens = TokenActs(server)
        self.users = UserActs(server)
        self.sign_in = SignInActs(server, self.users)
        self.openid = OpenIdActs(server, self.users, self.sign_in)
        self.browser_phones = BrowserPhoneActs(server, self.sign_in)
        self.sign_in.on_over = self.browser_phones.signed_out
        self.quality = QualityActs(server)
        self.reviews = ReviewActs(server)
        self.recordings.drawn_for = self.reviews.may_hear
        self.quality.on_drawn = self.recordings.prepare_of
        self.reports = ReportActs(server)
        self.webhooks = WebhookActs(server)
        self.links = LinkActs(server)
        self.exports = ExportActs(server, self.calls, self.tickets, self.recordings, self.callbacks)
        self.exports.kinds |= report_kinds(self.reports) | score_kinds(self.reviews)
        self.ticket_links = TicketLinkActs(server)
        self.customers = CustomerActs(server)
        self.customer_import = CustomerImportActs(server, self.customers)
        self.bulletins = BulletinActs(server)
        self.knowledge = KnowledgeActs(server)
        self.handovers = HandoverActs(server)
        self.training = TrainingActs(server, self.knowledge)
        self.lists = ListActs(server)
        self.live = LiveActs(server)
        self.explanations = ExplanationActs(server)
        self.exports.kinds |= register_kinds(self.customers, self.lists)
