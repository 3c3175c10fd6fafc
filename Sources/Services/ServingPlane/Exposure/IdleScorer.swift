// Asks the arm that did not answer, in time that nobody else wants.
internal import Decisions
private import Foundation
private import Synchronization

/// Scores on a thread of its own, and is never waited for without an end.
///
/// That thread runs when a core would be idle, and gives way at once when a request comes, so that what a candidate costs does not move a champion's
/// latency. Where a machine stays busy it may stand still anywhere for as long as that lasts: it must take no lock that an event loop waits for, and so
/// does nothing but score. One thread at a time calls `score`.
final class IdleScorer: Sendable {
    private struct State {
        /// To be scored, until the thread takes them.
        var jobs: [ComparisonJob]?
        var sides: [ComparisonRecord.Side?]?
        var isEnded = false
    }

    /// After which a score is not waited for any more.
    private static let patience = 5.0
    /// After which it says what it has, so that a slow model holds up the judging of others by one score and this.
    private static let slice = 0.02

    private let state = Mutex(State())
    private let asked = DispatchSemaphore(value: 0)
    private let told = DispatchSemaphore(value: 0)
    private let hangs = Atomic(false)
    /// By `DispatchTime`.
    private let end = Atomic<UInt64>(.max)

    func start() {
        Thread { [self] in run() }.start()
    }

    /// Given up, and not back yet.
    var isHanging: Bool { hangs.load(ordering: .acquiring) }

    /// What the arms that did not answer say, for the first jobs and at least for one. `nil` for those that need no score, and for all where the thread hangs.
    func score(_ jobs: [ComparisonJob]) -> [ComparisonRecord.Side?] {
        let none = [ComparisonRecord.Side?](repeating: nil, count: jobs.count)
        guard !isHanging, !isOver, jobs.contains(where: \.needsScore) else { return none }
        state.withLock { $0.jobs = jobs }
        asked.signal()
        let patience = DispatchTime.now() + Self.patience
        while true {
            let isLate = told.wait(timeout: min(patience, DispatchTime(uptimeNanoseconds: end.load(ordering: .acquiring)))) == .timedOut
            let sides = state.withLock { state in
                defer { state.sides = nil }
                if state.sides == nil, isLate { hangs.store(true, ordering: .releasing) }
                return state.sides
            }
            if let sides { return sides }
            // A signal of a score that was given up, or of the end that comes nearer, says nothing.
            if isLate { return none }
        }
    }

    /// From `seconds` on nothing is scored and nothing is waited for.
    func close(after seconds: Double) {
        end.store((DispatchTime.now() + seconds).uptimeNanoseconds, ordering: .releasing)
        told.signal()
    }

    /// The thread ends, when it comes back.
    func stop() {
        state.withLock { $0.isEnded = true }
        asked.signal()
    }

    private var isOver: Bool { DispatchTime.now().uptimeNanoseconds >= end.load(ordering: .acquiring) }

    // On the scoring thread

    private func run() {
        Thread.current.name = "score"
        giveWay()
        var row: [Double] = []
        while let jobs = next() {
            let end = DispatchTime.now() + Self.slice
            var sides: [ComparisonRecord.Side?] = []
            for job in jobs {
                sides.append(job.needsScore ? job.otherSide(scratch: &row) : nil)
                if DispatchTime.now() > end { break }
            }
            state.withLock { state in
                // Nobody waits for what was given up.
                if hangs.exchange(false, ordering: .acquiringAndReleasing) { return }
                state.sides = sides
            }
            told.signal()
        }
    }

    private func next() -> [ComparisonJob]? {
        while true {
            asked.wait()
            let (jobs, isEnded) = state.withLock { state in
                defer { state.jobs = nil }
                return (state.jobs, state.isEnded)
            }
            if isEnded { return nil }
            if let jobs { return jobs }
        }
    }

    private func giveWay() {
        #if os(Linux)
            // Of this thread alone, since Linux schedules by thread. SCHED_IDLE is 5 in every Linux ABI; any process may choose it, where no sandbox forbids it.
            var none = sched_param()
            if sched_setscheduler(0, 5, &none) != 0 { _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19) }
        #endif
    }
}
