// A candidate as requests meet it: how much it may answer, and whether it may now.
internal import Decisions
internal import NIOCore
internal import Primitives
internal import Releases
private import Synchronization

/// Until when a candidate may answer. One number, so that a request needs one load and no lock. There is one a release for as long as the process
/// lives: closed, it opens for no table.
final class ExposureGate: Sendable {
    private let until = Atomic<UInt64>(0)
    private static let closed = UInt64.max

    func isOpen(at time: NIODeadline) -> Bool {
        let until = until.load(ordering: .acquiring)
        return until != Self.closed && time.uptimeNanoseconds < until
    }

    var isClosed: Bool { until.load(ordering: .acquiring) == Self.closed }

    /// From `time` on; zero when it does not hold.
    func left(at time: NIODeadline) -> TimeAmount {
        let until = until.load(ordering: .acquiring)
        return until == Self.closed || until <= time.uptimeNanoseconds ? .zero : .nanoseconds(Int64(until - time.uptimeNanoseconds))
    }

    func renew(until deadline: NIODeadline) { set(deadline.uptimeNanoseconds) }

    /// It opens with the next renewal.
    func lapse() { set(0) }

    private func set(_ value: UInt64) {
        var old = until.load(ordering: .relaxed)
        while old != Self.closed {
            let (exchanged, now) = until.compareExchange(expected: old, desired: value, ordering: .acquiringAndReleasing)
            if exchanged { return }
            old = now
        }
    }

    /// For good. False when it was.
    func close() -> Bool { until.exchange(Self.closed, ordering: .acquiringAndReleasing) != Self.closed }
}

/// The newest time that a service's requests said. It never goes back.
final class ReplayClock: Sendable {
    private let newest = Atomic<Int64>(.min)

    var value: Instant? {
        let milliseconds = newest.load(ordering: .relaxed)
        return milliseconds == .min ? nil : Instant(milliseconds: milliseconds)
    }

    func advance(to time: Instant) { newest.max(time.milliseconds, ordering: .relaxed) }
}

/// What became of the comparisons of one release on this node.
final class ComparisonCounts: Sendable {
    let written = Counter()
    /// In the sample, and not scored by both.
    let missing = Counter()
    /// Taken by no log.
    let lost = Counter()
}

/// What outlives a change of tables: of one candidate, and of its service.
struct ExposureKeeping: Sendable {
    var gate: ExposureGate
    var counts: ComparisonCounts
    var clock: ReplayClock
}

/// One candidate on one step by one table. Immutable but for its gate and counters.
final class Exposure: Sendable {
    let candidate: ServingArm
    let step: Int
    /// What the table gives it; 0 in shadow and while it is paused.
    let plannedShare: Double
    let order: TableOrder
    let assignment: Assignment
    /// Which requests both arms score: by another hash than the assignment, so that the sample is not the candidate's own traffic.
    let sampling: Assignment
    let keeping: ExposureKeeping
    let isReplayed: Bool

    init(_ candidate: ServingArm, _ arm: ServiceRoute.Arm, order: TableOrder, keeping: ExposureKeeping) {
        let spec = candidate.release.spec
        self.candidate = candidate
        step = arm.step
        plannedShare = arm.share
        self.order = order
        self.keeping = keeping
        assignment = Assignment(salt: spec.salt.bytes, share: arm.share)
        sampling = Assignment(salt: spec.salt.bytes + Array("pairs".utf8), share: spec.pairedShare)
        isReplayed = spec.rollout?.clock == .replay
    }

    var spec: Digest { candidate.release.digest }

    /// Without a lease it is zero.
    func share(at time: NIODeadline) -> Double { plannedShare > 0 && keeping.gate.isOpen(at: time) ? plannedShare : 0 }

    /// Why this node must not expose a release; `nil` when it may.
    static func objection(to candidate: ServingArm, beside champion: ServingArm) -> String? {
        let release = candidate.stamp.release
        guard let terms = candidate.release.spec.rollout else { return "\(release) has no guardrails, so it cannot be exposed step by step" }
        guard champion.recording != nil, candidate.recording != nil else {
            let silent = champion.recording == nil ? champion.stamp.release : release
            return "\(release) cannot be exposed: \(silent) records no decisions, so guardrails would have nothing to judge by; add 'record:' to its decision file"
        }
        if terms.clock == .replay, champion.time == nil || candidate.time == nil {
            return "\(release) cannot be exposed: its policy's clock is replayed history, and the request contract has no column with the role time"
        }
        return nil
    }
}
