// Compares both arms after the reply, and judges what it sees.
internal import Decisions
private import Foundation
internal import Logging
internal import NIOCore
internal import Ports
internal import Primitives
internal import Releases
private import Synchronization

/// Writes one comparison a decision under exposure, whatever the candidate does: one that is slow, hangs or fails costs pairs and no answer.
final class Comparer: Sendable {
    private let queue = ComparisonQueue()
    /// For candidates that answer nothing: only here is their model asked.
    private let shadow = ArmScorer(.idle)
    /// For arms that event loops ask as well.
    private let canary = ArmScorer(.low)
    private let end = Mutex(End.ahead)
    private let watch: LocalWatch
    private let log: any DecisionLog
    private let clock: any WallClock
    private let brake: Brake
    private let recalls = Mutex<[Digest: Recall]>([:])

    init(log: any DecisionLog, nodes: Int, clock: any WallClock, brake: Brake) {
        self.log = log
        self.clock = clock
        self.brake = brake
        watch = LocalWatch(nodes: nodes)
    }

    private enum End {
        case ahead, over
        case awaited(CheckedContinuation<Void, Never>)
    }

    // Before a candidate is exposed

    /// What became of the look at what this node saw of a candidate's step before it was restarted.
    enum Recall: Hashable, Sendable {
        case underWay, done
        /// Why nobody knows.
        case failed(String)
    }

    /// The first call begins it: what the log has of the step is folded, so that a restart neither forgets harm nor gives a guardrail a second chance.
    /// No request may meet the candidate before it is done.
    func recall(_ exposure: Exposure) -> Recall {
        let known = recalls.withLock { recalls in
            defer { recalls[exposure.spec] = recalls[exposure.spec] ?? .underWay }
            return recalls[exposure.spec]
        }
        if let known { return known }
        watch.begin(exposure, now: clock.now())
        let status = log.status()
        guard status.oldest <= status.durable else { return end(.done, of: exposure) }
        // A long log is read in seconds, for which neither tables nor other services wait.
        Task(priority: .background) { end(await fold(exposure, through: status.durable), of: exposure) }
        return .underWay
    }

    func recall(of spec: Digest) -> Recall? { recalls.withLock { $0[spec] } }

    @discardableResult private func end(_ recall: Recall, of exposure: Exposure) -> Recall {
        recalls.withLock { $0[exposure.spec] = recall }
        return recall
    }

    private static let recallBytes = 16 << 20

    private func fold(_ exposure: Exposure, through end: UInt64) async -> Recall {
        var sequence = log.status().oldest - 1
        while sequence < end {
            let entries: [DecisionLogEntry]
            do { entries = try await log.read(after: sequence, limit: Self.recallBytes) } catch {
                // Acknowledged and removed meanwhile: the control plane has it.
                let oldest = log.status().oldest
                guard error.code == .gone, oldest > sequence + 1 else { return .failed(error.message) }
                sequence = oldest - 1
                continue
            }
            guard let last = entries.last else { break }
            for entry in entries where entry.sequence <= end { recall(entry, exposure) }
            sequence = last.sequence
        }
        return .done
    }

    /// An entry that cannot be read is the pusher's to report.
    private func recall(_ entry: DecisionLogEntry, _ exposure: Exposure) {
        var harm: Harm?
        if entry.kind == .comparison, let record = try? ComparisonRecord(parsing: entry.payload), record.spec == exposure.spec {
            harm = watch.take(Compared(record: record, exposure: exposure, answered: .now()), now: clock.now())
        } else if entry.kind == .outcome, let record = try? OutcomeRecord(parsing: entry.payload), case .truth(let value) = record.value {
            harm = watch.take(Truth(decision: record.decision, value: value), at: .now())
        }
        if let harm { brake.stop(harm) }
    }

    // On event loops

    /// Copies nothing and waits for nothing.
    func take(_ work: FollowUp) {
        guard !queue.push(work), case .comparison(let job) = work else { return }
        // Outcomes that find no place are the control plane's to judge.
        if let compared = write(job, side: nil) { queue.judge(compared) }
    }

    // On the comparing thread

    /// It competes as an equal: it shares locks with event loops, and decides on vetoes. What takes long is the scorers'.
    func start() {
        shadow.start()
        canary.start()
        Thread { [self] in run() }.start()
    }

    private func run() {
        Thread.current.name = "compare"
        while let work = queue.next() {
            switch work {
            case .judge(let compared): judge(compared)
            case .outcomes(let truths): for truth in truths { if let harm = watch.take(truth, at: .now()) { brake.stop(harm) } }
            case .comparisons(let jobs): queue.putBack(jobs.dropFirst(compare(jobs)))
            }
        }
        for scorer in [shadow, canary] { scorer.stop() }
        let awaited = end.withLock { end in
            defer { end = .over }
            return end
        }
        if case .awaited(let continuation) = awaited { continuation.resume() }
    }

    /// The first jobs, as many as are alike; how many these were.
    private func compare(_ jobs: [ComparisonJob]) -> Int {
        guard let first = jobs.first else { return 0 }
        let needsScore = first.needsScore, isShadow = first.isShadow
        let alike = Array(jobs.prefix { needsScore ? $0.needsScore && $0.isShadow == isShadow : !$0.needsScore })
        // A thread that hangs may still hold an arm's scorer, so that the other may not use it.
        let sides: [ComparisonRecord.Side?] =
            needsScore && !isHanging ? (isShadow ? shadow : canary).score(alike) : .init(repeating: nil, count: max(1, alike.count))
        for (job, side) in zip(jobs, sides) { if let compared = write(job, side: side) { judge(compared) } }
        return sides.count
    }

    // On either

    /// `side` is what the arm says that did not answer; `nil` where it was not asked, or not in time.
    private func write(_ job: ComparisonJob, side: ComparisonRecord.Side?) -> Compared? {
        let counts = job.exposure.keeping.counts
        guard let clock = job.clock() else {
            counts.lost.add()
            return nil
        }
        var record = job.record
        record.clock = clock
        record.pair = side.map { record.arm == .champion ? .init(champion: job.side, candidate: $0) : .init(champion: $0, candidate: job.side) }
        // With its veto the sample of a candidate ends: what was still to be scored is not missing.
        if side == nil, job.exposure.keeping.gate.isClosed { record.sampled = false }
        if record.sampled, side == nil { counts.missing.add() }
        log.append(record.encoded, kind: .comparison, durable: false) { result in
            switch result {
            case .success: counts.written.add()
            case .failure: counts.lost.add()
            }
        }
        return Compared(record: record, exposure: job.exposure, answered: job.answered)
    }

    private func judge(_ compared: Compared) { if let harm = watch.take(compared, now: clock.now()) { brake.stop(harm) } }

    // Beside them

    func keep(only specs: Set<Digest>) {
        watch.keep(only: specs)
        recalls.withLock { $0 = $0.filter { specs.contains($0.key) || $0.value == .underWay } }
    }

    /// A model is asked, and has not answered for a while.
    var isHanging: Bool { shadow.isHanging || canary.isHanging }

    /// Ends with everything written, whatever a model is at.
    func stop() async {
        for scorer in [shadow, canary] { scorer.close(after: 0.5) }
        queue.close()
        await withCheckedContinuation { continuation in
            let isOver = end.withLock { end in
                if case .over = end { return true }
                end = .awaited(continuation)
                return false
            }
            if isOver { continuation.resume() }
        }
    }
}
