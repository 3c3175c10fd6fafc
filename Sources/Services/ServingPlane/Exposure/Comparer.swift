// Compares both arms after the reply, on one thread of low priority, and judges what it sees.
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
    private let watch: LocalWatch
    private let log: any DecisionLog
    private let clock: any WallClock
    private let brake: Brake
    private let recalls = Mutex<[Digest: Recall]>([:])
    /// A comparison that waited longer is not scored any more: it would come too late for whoever decides by it.
    private static let mostAge = TimeAmount.seconds(5)

    init(log: any DecisionLog, nodes: Int, clock: any WallClock, brake: Brake) {
        self.log = log
        self.clock = clock
        self.brake = brake
        watch = LocalWatch(nodes: nodes)
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
        let now = NIODeadline.now()
        guard !queue.push(work, at: now), case .comparison(let job) = work else { return }
        // Outcomes that find no place are the control plane's to judge.
        if let compared = write(job, pair: nil) { queue.judge(compared) }
    }

    // On the comparing thread

    func start() {
        let thread = Thread { [self] in run() }
        thread.name = "penstock-compare"
        thread.qualityOfService = .utility
        thread.start()
    }

    private func run() {
        #if os(Linux)
            // Of this thread alone, since Linux takes priorities by thread. Where it is refused, it competes as an equal.
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        #endif
        var row: [Double] = []
        while let task = queue.next() {
            switch task {
            case .judge(let compared): judge(compared)
            case .follow(.outcomes(let truths)): for truth in truths { if let harm = watch.take(truth, at: .now()) { brake.stop(harm) } }
            case .follow(.comparison(let job)):
                let pair = pair(of: job, &row)
                guard queue.claim(), let compared = write(job, pair: pair) else { continue }
                judge(compared)
            }
        }
    }

    private func pair(of job: ComparisonJob, _ row: inout [Double]) -> ComparisonRecord.Pair? {
        guard job.record.sampled, NIODeadline.now() - job.answered < Self.mostAge, !job.exposure.keeping.gate.isClosed else { return nil }
        let other = job.body.withUnsafeBytes { job.other.side(of: $0, scratch: &row) }
        return job.record.arm == .champion ? .init(champion: job.side, candidate: other) : .init(champion: other, candidate: job.side)
    }

    // On either

    private func write(_ job: ComparisonJob, pair: ComparisonRecord.Pair?) -> Compared? {
        let counts = job.exposure.keeping.counts
        guard let clock = job.clock() else {
            counts.lost.add()
            return nil
        }
        var record = job.record
        record.clock = clock
        record.pair = pair
        // With its veto the sample of a candidate ends: what was still to be scored is not missing.
        if pair == nil, job.exposure.keeping.gate.isClosed { record.sampled = false }
        if record.sampled, pair == nil { counts.missing.add() }
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

    /// Writes what a hanging candidate holds up. Called every moment from a thread that it cannot hold up.
    func rescue() {
        let now = NIODeadline.now()
        for job in queue.rescue(at: now) { if let compared = write(job, pair: nil) { judge(compared) } }
        for compared in queue.unjudged(at: now) { judge(compared) }
    }

    func keep(only specs: Set<Digest>) {
        watch.keep(only: specs)
        recalls.withLock { $0 = $0.filter { specs.contains($0.key) || $0.value == .underWay } }
    }

    var isHanging: Bool { queue.isHanging }

    /// Ends with everything written, whatever the thread is at.
    func stop() async {
        queue.close()
        let end = ContinuousClock.now + .milliseconds(500)
        while !queue.isDone, ContinuousClock.now < end { try? await Task.sleep(for: .milliseconds(5)) }
        for job in queue.stop() { _ = write(job, pair: nil) }
    }
}
