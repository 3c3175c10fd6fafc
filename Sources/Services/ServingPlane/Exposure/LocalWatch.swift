// The guardrails that a node keeps by itself, over what it has seen.
internal import Decisions
internal import Inference
internal import NIOCore
internal import Primitives
internal import Releases
private import Synchronization

/// Harm for which the policy rolls back.
struct Harm: Sendable {
    var exposure: Exposure
    /// What the guardrails read, in words.
    var reason: String
    /// When the decision was answered with which it was plain.
    var breach: Instant?
    /// When this node could first have known: when that decision was answered, or its outcome came.
    var since: NIODeadline
}

/// One fold a candidate, begun anew at each step. A pause is the controller's to order: only a rollback is a node's own.
///
/// Folds are short and no foreign code runs in them, so that one lock will do.
final class LocalWatch: Sendable {
    fileprivate struct Fold {
        var exposure: Exposure
        var comparison: StepComparison
        var keepsPairs: Bool
        var isHarmed = false
    }

    fileprivate struct State {
        var folds: [Digest: Fold] = [:]
        /// By decision, until their outcome comes.
        var pairs: [DecisionID: ComparisonRecord] = [:]
        var order = CircularBuffer<DecisionID>()
    }

    fileprivate static let mostPairs = 65_536
    private let nodes: Int
    private let state = Mutex(State())

    /// `nodes` share what alpha the nodes have.
    init(nodes: Int) { self.nodes = nodes }

    /// For a candidate of which nothing is known here yet.
    func begin(_ exposure: Exposure, now: Instant) { state.withLock { state in _ = state.begin(exposure, nodes: nodes, now: now) } }

    func take(_ compared: Compared, now: Instant) -> Harm? {
        state.withLock { state in
            let spec = compared.exposure.spec, record = compared.record
            if state.folds[spec]?.comparison.step != record.step, !state.begin(compared.exposure, nodes: nodes, now: now) { return nil }
            state.folds[spec]?.exposure = compared.exposure
            state.folds[spec]?.comparison.take(record)
            if record.pair != nil, state.folds[spec]?.keepsPairs == true { state.keep(record, atMost: Self.mostPairs) }
            return state.folds[spec]?.harm(since: compared.answered)
        }
    }

    /// A decision's first outcome counts, others do not.
    func take(_ truth: Truth, at now: NIODeadline) -> Harm? {
        state.withLock { state in
            guard let record = state.pairs.removeValue(forKey: truth.decision) else { return nil }
            state.folds[record.spec]?.comparison.take(truth: truth.value, of: record)
            return state.folds[record.spec]?.harm(since: now)
        }
    }

    /// Forgets what is exposed no more.
    func keep(only specs: Set<Digest>) {
        state.withLock { state in
            guard state.folds.keys.contains(where: { !specs.contains($0) }) else { return }
            state.folds = state.folds.filter { specs.contains($0.key) }
            state.pairs = state.pairs.filter { specs.contains($0.value.spec) }
            state.order = CircularBuffer(state.order.filter { state.pairs[$0] != nil })
        }
    }
}

extension LocalWatch.State {
    /// False where the step is over already, or is none that is compared.
    mutating func begin(_ exposure: Exposure, nodes: Int, now: Instant) -> Bool {
        guard folds[exposure.spec].map({ $0.comparison.step < exposure.step }) ?? true else { return false }
        let spec = exposure.candidate.release.spec
        guard let comparison = StepComparison(spec, step: exposure.step, watcher: .node(of: nodes), began: now) else { return false }
        let keepsPairs = spec.rollout?.guardrails.contains { $0.signal == .outcomeAccuracy } ?? false
        folds[exposure.spec] = LocalWatch.Fold(exposure: exposure, comparison: comparison, keepsPairs: keepsPairs)
        return true
    }

    mutating func keep(_ record: ComparisonRecord, atMost most: Int) {
        pairs[record.decision] = record
        order.append(record.decision)
        while order.count > most, let oldest = order.popFirst() { pairs[oldest] = nil }
    }
}

extension LocalWatch.Fold {
    /// Once.
    mutating func harm(since: NIODeadline) -> Harm? {
        guard !isHarmed, let harm = comparison.harm, harm.action == .rollback else { return nil }
        isHarmed = true
        let words = comparison.findings.filter { harm.signals.contains($0.signal) }.map(\.spelled)
        return Harm(exposure: exposure, reason: words.joined(separator: "; "), breach: comparison.breach, since: since)
    }
}
