// One release, loaded and ready to answer.
internal import Contracts
internal import Decisions
internal import Inference
internal import Ports
internal import Primitives
package import Releases
private import Synchronization

/// Everything that a release needs to answer a request, immutable but for its counters. Made off the event loops; freed with the last snapshot.
///
/// Unchecked: `scorers` are not Sendable. Each belongs to one event loop, the one with its index, and the last to the thread that scores after the reply; nothing else
/// touches them once the arm is in a snapshot.
package final class ServingArm: @unchecked Sendable {
    package let release: VerifiedRelease
    let stamp: ReleaseStamp
    let service: DecisionService
    let admission: RowAdmission
    let model: (any LoadedModel)?
    private let scorers: [any RowScorer]
    let limiter: OutcomeLimiter
    /// How its decisions are recorded; `nil` where they are not.
    let recording: Recording?
    /// When a request says it happened; `nil` where its contract has no such column.
    let time: RequestTime?
    private let errors = Counter()
    private let tally: OutcomeTally

    struct Recording: Sendable {
        var writer: RecordWriter
        var durability: RecordDurability
    }

    /// `request` is the request contract, and `key` what the service's records are hashed with: there where it records.
    init(
        release: VerifiedRelease, service: DecisionService, admission: RowAdmission, request: DataContract, key: RecordKey?, model: (any LoadedModel)?, loops: Int
    ) throws(ModelEngineError) {
        self.release = release
        self.service = service
        self.admission = admission
        self.model = model
        stamp = ReleaseStamp(
            service: release.spec.service, release: release.spec.release, version: release.spec.proposal.model?.description, spec: release.digest)
        var scorers: [any RowScorer] = []
        if let model { for _ in 0...loops { scorers.append(try model.makeScorer()) } }
        self.scorers = scorers
        limiter = OutcomeLimiter(service)
        recording =
            if let durability = service.record, let key {
                Recording(writer: RecordWriter(stamp: stamp, contract: request, key: key), durability: durability)
            } else { nil }
        time = RequestTime(request)
        tally = OutcomeTally(service)
        try warm()
    }

    /// Scores a few rows on every loop's scorer, so that no request pays for first use.
    private func warm() throws(ModelEngineError) {
        for scorer in scorers { for row in Self.rehearsalRows(admission.featureCount) { _ = try Self.score(row, with: scorer) } }
    }

    /// Fixed rows that exercise a model; their meaning does not matter, only that answers can be compared.
    static func rehearsalRows(_ features: Int) -> [[Double]] { (0..<64).map { seed in (0..<features).map { Double(($0 + 1) * (seed + 1) % 5) } } }

    static func score(_ row: [Double], with scorer: any RowScorer) throws(ModelEngineError) -> Double {
        try row.withUnsafeBufferPointer { row throws(ModelEngineError) in try scorer.score(row) }
    }

    var errorCount: Int { errors.value }

    /// Decisions given so far, by what they were.
    var counts: [(outcome: Outcome, count: Int)] { tally.counts }

    func decide(_ row: UnsafeBufferPointer<Double>, loop: Int, id: DecisionID, at milliseconds: Int64) -> Decision {
        guard model != nil else { return counted(Decision(id: id, stamp: stamp, outcome: service.fallback, score: nil, reason: .noModel)) }
        guard scorers.indices.contains(loop), let score = try? scorers[loop].score(row), let line = service.rule.decide(score: score) else {
            errors.add()
            return counted(Decision(id: id, stamp: stamp, outcome: service.fallback, score: nil, reason: .errored))
        }
        let outcome = service.rule.lines[line].outcome
        if let beyond = limiter.beyond(line: line, at: milliseconds) {
            return counted(Decision(id: id, stamp: stamp, outcome: beyond, score: score, reason: .rateLimit(outcome)))
        }
        tally.add(line: line)
        return Decision(id: id, stamp: stamp, outcome: outcome, score: score, reason: .rule)
    }

    /// The answer to a row that its contract does not allow.
    func decideOutside(_ breach: ContractBreach, id: DecisionID) -> Decision {
        counted(Decision(id: id, stamp: stamp, outcome: service.outsideContract, score: nil, reason: .outsideContract(admission.sentence(for: breach))))
    }

    /// The answer of a release that cannot read a row which the champion could.
    func decideErrored(id: DecisionID) -> Decision {
        errors.add()
        return counted(Decision(id: id, stamp: stamp, outcome: service.fallback, score: nil, reason: .errored))
    }

    /// What this arm says of a request that the other arm answered, before limits; nothing of it is counted as a decision. Only for the thread
    /// that scores after the reply.
    func side(of body: UnsafeRawBufferPointer, scratch row: inout [Double]) -> ComparisonRecord.Side {
        let count = admission.featureCount
        if row.count < count { row = [Double](repeating: 0, count: count) }
        return row.withUnsafeMutableBufferPointer { row in
            let row = UnsafeMutableBufferPointer(rebasing: row[..<count])
            switch admission.admit(body, into: row) {
            case .outside: return .init(outcome: service.outsideContract, score: nil)
            case .admitted where model == nil: return .init(outcome: service.fallback, score: nil)
            case .admitted:
                if let score = try? scorers.last?.score(UnsafeBufferPointer(row)), let line = service.rule.decide(score: score) {
                    return .init(outcome: service.rule.lines[line].outcome, score: score)
                }
                errors.add()
            case .malformed: errors.add()
            }
            return .init(outcome: service.fallback, score: nil)
        }
    }

    private func counted(_ decision: Decision) -> Decision {
        tally.add(decision.outcome)
        return decision
    }
}

/// How often each outcome was given. Rule lines, the common case, are counted by their place.
final class OutcomeTally: Sendable {
    private let outcomes: [Outcome]
    private let counters: [Counter]
    private let places: [Int]

    init(_ service: DecisionService) {
        var outcomes: [Outcome] = []
        for outcome in service.rule.outcomes + [service.fallback, service.outsideContract] + service.limits.map(\.beyond) where !outcomes.contains(outcome) {
            outcomes.append(outcome)
        }
        self.outcomes = outcomes
        counters = outcomes.map { _ in Counter() }
        places = service.rule.outcomes.compactMap { outcomes.firstIndex(of: $0) }
    }

    func add(line: Int) { if places.indices.contains(line) { counters[places[line]].add() } }

    func add(_ outcome: Outcome) { if let place = outcomes.firstIndex(of: outcome) { counters[place].add() } }

    var counts: [(outcome: Outcome, count: Int)] { zip(outcomes, counters).map { ($0, $1.value) } }
}

/// The limits of one decision file on this node, shared by its event loops. A lock is held for a few additions.
final class OutcomeLimiter: Sendable {
    private let service: DecisionService
    private let windows: Mutex<[RateLimit]>

    init(_ service: DecisionService) {
        self.service = service
        windows = Mutex(service.limits.map { $0.makeRateLimit() })
    }

    /// Counts a decision of the rule's line; the outcome to give instead when its share is used up.
    func beyond(line: Int, at milliseconds: Int64) -> Outcome? {
        guard !service.limits.isEmpty else { return nil }
        let outcome = service.rule.lines[line].outcome
        return windows.withLock { windows in
            var instead: Outcome?
            for index in windows.indices {
                if service.limits[index].outcome != outcome {
                    windows[index].pass(at: milliseconds)
                } else if !windows[index].admit(at: milliseconds) {
                    instead = service.limits[index].beyond
                }
            }
            return instead
        }
    }
}
