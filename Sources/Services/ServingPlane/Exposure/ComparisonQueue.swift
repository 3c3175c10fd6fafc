// Hands work from event loops to the thread that compares.
private import Foundation
internal import NIOCore
internal import Primitives
private import Synchronization

/// Bounded. An event loop never waits here: what finds no place is the caller's to write down without its pair.
final class ComparisonQueue: Sendable {
    enum Work {
        /// In the order of their answers, at most `mostAtOnce`.
        case comparisons([ComparisonJob])
        case outcomes([Truth])
        /// Written elsewhere, and to be judged here.
        case judge(Compared)
    }

    fileprivate struct State {
        var waiting = CircularBuffer<FollowUp>()
        var written = CircularBuffer<Compared>()
        var isAsleep = false
        /// Takes nothing more, and ends when it is empty.
        var isClosed = false
    }

    static let most = 1024
    static let mostAtOnce = 32
    /// How long the thread lets work gather before it looks: each time it wakes it may take a core from a request. A veto comes later by as much.
    static let gathering: Duration = .milliseconds(5)
    /// For comparisons that were written elsewhere; more are left to the control plane to judge.
    static let mostWritten = 8192

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)

    /// False when there is no place.
    func push(_ work: FollowUp) -> Bool {
        let (isTaken, wakes) = state.withLock { state -> (Bool, Bool) in
            guard !state.isClosed, state.waiting.count < Self.most else { return (false, false) }
            state.waiting.append(work)
            return (true, state.wakes())
        }
        if wakes { wake.signal() }
        return isTaken
    }

    func judge(_ compared: Compared) {
        let wakes = state.withLock { state in
            guard state.written.count < Self.mostWritten else { return false }
            state.written.append(compared)
            return state.wakes()
        }
        if wakes { wake.signal() }
    }

    // For the thread that compares

    /// What there is to do next, which it waits for; `nil` when it is to end.
    func next() -> Work? {
        while true {
            let (work, isClosed) = state.withLock { state in (state.take(), state.isClosed) }
            if let work { return work }
            if isClosed { return nil }
            wake.wait()
            usleep(UInt32(Self.gathering.wholeMilliseconds * 1000))
        }
    }

    /// What it did not come to is next again.
    func putBack(_ jobs: ArraySlice<ComparisonJob>) {
        state.withLock { state in for job in jobs.reversed() { state.waiting.prepend(.comparison(job)) } }
    }

    /// The thread ends when it has done what is there.
    func close() {
        state.withLock { $0.isClosed = true }
        wake.signal()
    }
}

extension ComparisonQueue.State {
    mutating func wakes() -> Bool {
        defer { isAsleep = false }
        return isAsleep
    }

    mutating func take() -> ComparisonQueue.Work? {
        if let compared = written.popFirst() { return .judge(compared) }
        var jobs: [ComparisonJob] = []
        while jobs.count < ComparisonQueue.mostAtOnce, case .comparison(let job)? = waiting.first {
            jobs.append(job)
            waiting.removeFirst()
        }
        if !jobs.isEmpty { return .comparisons(jobs) }
        if case .outcomes(let truths)? = waiting.popFirst() { return .outcomes(truths) }
        isAsleep = true
        return nil
    }
}
