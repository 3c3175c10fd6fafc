// Asks the arm that did not answer, beside the requests.
internal import Decisions
private import Foundation
private import Synchronization

/// Scores on a thread of its own, which may be given up: a model that hangs there holds up nothing else. One thread at a time calls `score`.
final class ArmScorer: Sendable {
    /// What its thread gets of a core.
    enum Standing {
        /// What nobody else wants: it runs where a core would be idle, and gives way at once when a request comes. Where a machine stays busy it may stand still
        /// anywhere for as long as that lasts, so it may only score with what no event loop uses meanwhile: models have locks.
        case idle
        /// A small share in any case.
        case low
    }

    private struct State {
        /// To be scored, until the thread takes them.
        var jobs: [ComparisonJob]?
        var sides: [ComparisonRecord.Side?]?
        /// Given back, to be freed by whoever gave them: freeing takes locks, too.
        var done: [ComparisonJob]?
        var isEnded = false
    }

    /// After which a score is not waited for any more, in seconds.
    private static let patience = 1.0
    /// After which it says what it has, so that a slow model holds up the judging of others by one score and this.
    private static let slice = 0.02

    private let standing: Standing
    private let state = Mutex(State())
    private let asked = DispatchSemaphore(value: 0)
    private let told = DispatchSemaphore(value: 0)
    private let isGivenUp = Atomic(false)
    /// By `DispatchTime`.
    private let end = Atomic<UInt64>(.max)

    init(_ standing: Standing) { self.standing = standing }

    func start() { Thread { [self] in run() }.start() }

    /// It was asked, was given up, and is not back yet: a model hangs, or the thread finds no time.
    var isHanging: Bool { isGivenUp.load(ordering: .acquiring) }

    /// What the arms that did not answer say, for the first jobs and at least for one. `nil` for those that need no score, and for all where the thread hangs.
    func score(_ jobs: [ComparisonJob]) -> [ComparisonRecord.Side?] {
        let none = [ComparisonRecord.Side?](repeating: nil, count: jobs.count)
        guard !isHanging, !isOver else { return none }
        state.withLock { $0.jobs = jobs }
        asked.signal()
        let patience = DispatchTime.now() + Self.patience
        while true {
            let isLate = told.wait(timeout: min(patience, DispatchTime(uptimeNanoseconds: end.load(ordering: .acquiring)))) == .timedOut
            let (sides, _) = state.withLock { state in
                defer { (state.sides, state.done) = (nil, nil) }
                if state.sides == nil, isLate { isGivenUp.store(true, ordering: .releasing) }
                return (state.sides, state.done)
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
        Thread.current.name = standing == .idle ? "score-idle" : "score"
        giveWay()
        var row: [Double] = []
        while var jobs = next() {
            let end = DispatchTime.now() + Self.slice
            var sides: [ComparisonRecord.Side?] = []
            for job in jobs {
                sides.append(job.needsScore ? job.otherSide(scratch: &row) : nil)
                if DispatchTime.now() > end { break }
            }
            state.withLock { state in
                state.done = jobs
                jobs = []
                // Nobody waits for what was given up.
                if !isGivenUp.exchange(false, ordering: .acquiringAndReleasing) { state.sides = sides }
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
            if standing == .idle, sched_setscheduler(0, 5, &none) == 0 { return }
            _ = setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 10)
        #endif
    }
}
