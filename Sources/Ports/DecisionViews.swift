// What people are told about decisions.
package import Decisions
package import Inference
package import Primitives

/// One decision's whole story.
package struct DecisionView: Codable, Sendable {
    package struct Field: Codable, Sendable {
        package var column: String
        /// As JSON; `hash …` for what only a keyed hash was kept of.
        package var value: String

        package init(column: String, value: String) {
            self.column = column
            self.value = value
        }
    }

    package struct Told: Codable, Sendable {
        package var name: OutcomeName
        package var value: OutcomeRecord.Value
        package var at: Instant
        package var received: Instant
        package var node: NodeID

        package init(_ record: OutcomeRecord, node: NodeID) {
            name = record.name
            value = record.value
            at = record.at
            received = record.received
            self.node = node
        }
    }

    /// What the outcomes come to.
    package enum Truth: String, Codable, Sendable {
        case none, told, repeated, contradicted
    }

    package struct Place: Codable, Sendable {
        package var node: NodeID
        package var sequence: UInt64
        /// The ledger's entry that commits to it, and to which entries of the node with it.
        package var ledgerEntry: Int
        package var batch: DecisionBatch

        package init(node: NodeID, sequence: UInt64, ledgerEntry: Int, batch: DecisionBatch) {
            self.node = node
            self.sequence = sequence
            self.ledgerEntry = ledgerEntry
            self.batch = batch
        }
    }

    package var id: String
    package var service: ServiceName
    package var decision: Outcome
    package var score: Double?
    package var reason: String
    package var detail: String?
    package var time: Instant
    package var latencyMicroseconds: UInt64
    package var entity: String?
    package var key: RecordKeyID
    package var version: String?
    package var spec: Digest
    package var fields: [Field]
    /// The rule's lines, in words.
    package var rule: [String]
    package var outcomes: [Told]
    package var truth: Truth
    package var place: Place
    /// The release with its evidence and approvers.
    package var release: ReleaseView

    package init(_ record: DecisionRecord, fields: [Field], rule: [String], outcomes: [Told], place: Place, release: ReleaseView) {
        id = record.decision.id.description
        service = record.decision.service
        decision = record.decision.outcome
        score = record.decision.score
        (reason, detail) = record.decision.reason.words
        time = record.time
        latencyMicroseconds = record.latencyMicroseconds
        entity = record.entity?.description
        key = record.key
        version = record.decision.stamp.version
        spec = record.decision.stamp.spec
        self.fields = fields
        self.rule = rule
        self.outcomes = outcomes
        self.place = place
        self.release = release
        let values = Set(outcomes.map(\.value))
        truth = values.count > 1 ? .contradicted : outcomes.count > 1 ? .repeated : outcomes.isEmpty ? .none : .told
    }
}

/// What a service decided in a span of time, and how it turned out.
package struct DecisionReport: Codable, Sendable {
    package struct Line: Codable, Sendable {
        package var release: ReleaseID
        package var version: String?
        package var decision: Outcome
        package var decisions: Int
        /// Of them, whose outcome is known.
        package var joined: Int
        /// The share of these where it is true; `nil` where none is known.
        package var outcomeRate: Double?
    }

    package struct Release: Codable, Sendable {
        package var release: ReleaseID
        package var version: String?
        package var decisions: Int
        /// Answers that send the case to a person.
        package var referrals: Int
        /// Answers to rows outside the contract, by a limit, or without a usable score.
        package var limited: Int
        package var joined: Int
        package var waiting: Int
        package var missing: Int
        package var repeated: Int
        package var contradicted: Int
        /// The share of scored and joined decisions where a score from one half up meant true; `nil` without any.
        package var accuracy: Double?
        /// The mean squared difference of score and truth.
        package var brier: Double?
        /// Microseconds on the node, from the request's last byte to the record.
        package var p50: Int
        package var p99: Int
    }

    package var service: ServiceName
    package var from: Instant?
    package var to: Instant?
    package var outcome: OutcomeName?
    /// `true` where decisions change the truth: then releases do not compare by it.
    package var isAffectedByDecision: Bool?
    package var releases: [Release]
    package var lines: [Line]

    package init(_ selection: DecisionSelection, isAffectedByDecision: Bool?, tallies: [DecisionTally], latencies: [DecisionLatency]) {
        service = selection.service
        from = selection.from
        to = selection.to
        outcome = selection.outcome
        self.isAffectedByDecision = isAffectedByDecision
        let byRelease = Dictionary(grouping: tallies, by: \.release)
        releases = byRelease.keys.sorted().map { release in Self.summary(release, byRelease[release] ?? [], latencies.first { $0.release == release }) }
        lines = byRelease.keys.sorted().flatMap { release in
            let byOutcome = Dictionary(grouping: byRelease[release] ?? [], by: \.outcome)
            return byOutcome.keys.sorted().map { Self.line(release, $0, byOutcome[$0] ?? []) }
        }
    }

    private static func line(_ release: ReleaseID, _ outcome: Outcome, _ tallies: [DecisionTally]) -> Line {
        let joined = tallies.sum(\.joined)
        return Line(
            release: release, version: tallies.first?.version, decision: outcome, decisions: tallies.sum(\.decisions), joined: joined,
            outcomeRate: share(tallies.sum(\.positive), joined))
    }

    private static func summary(_ release: ReleaseID, _ tallies: [DecisionTally], _ latency: DecisionLatency?) -> Release {
        let decisions = tallies.sum(\.decisions), joined = tallies.sum(\.joined), waiting = tallies.sum(\.immature)
        let contradicted = tallies.sum(\.contradicted), scored = tallies.sum(\.scored)
        return Release(
            release: release, version: tallies.first?.version, decisions: decisions, referrals: tallies.filter { $0.outcome.text == "review" }.sum(\.decisions),
            limited: tallies.filter { $0.reason != "rule" && $0.reason != "no_model" }.sum(\.decisions), joined: joined, waiting: waiting,
            missing: max(0, decisions - joined - waiting - contradicted), repeated: tallies.sum(\.repeated), contradicted: contradicted,
            accuracy: share(tallies.sum(\.right), scored),
            brier: scored > 0 ? tallies.reduce(0) { $0 + $1.squaredError } / Double(scored) : nil, p50: latency?.p50 ?? 0, p99: latency?.p99 ?? 0)
    }

    private static func share(_ part: Int, _ whole: Int) -> Double? { whole > 0 ? Double(part) / Double(whole) : nil }
}

extension [DecisionTally] {
    fileprivate func sum(_ part: (DecisionTally) -> Int) -> Int { reduce(0) { $0 + part($1) } }
}

/// A batch, and the ledger entry that commits to it.
package struct LedgeredBatch: Sendable {
    package var batch: DecisionBatch
    package var index: Int

    package init(batch: DecisionBatch, index: Int) {
        self.batch = batch
        self.index = index
    }
}
