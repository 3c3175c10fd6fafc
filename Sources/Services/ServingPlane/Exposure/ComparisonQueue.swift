// Hands work from event loops to the one thread that compares, and takes it back from a thread that hangs.
private import Foundation
internal import NIOCore
private import Synchronization

/// Bounded. An event loop never waits here: what finds no place is the caller's to write down without its pair.
final class ComparisonQueue: Sendable {
    enum Work {
        case follow(FollowUp)
        /// Written elsewhere, and to be judged here.
        case judge(Compared)
    }

    fileprivate struct State {
        var waiting = CircularBuffer<FollowUp>()
        var written = CircularBuffer<Compared>()
        /// Since when the thread is at one task; `nil` while it is not.
        var busy: NIODeadline?
        /// The comparison that it is at, until it has it or loses it.
        var current: ComparisonJob?
        var isAsleep = false
        /// Takes nothing more, and ends when it is empty.
        var isClosing = false
        var isStopped = false
    }

    static let most = 1024
    /// For comparisons that were written elsewhere; more are left to the control plane to judge.
    static let mostWritten = 8192
    /// A thread that takes longer for one comparison is not waited for.
    static let patience = TimeAmount.seconds(1)

    private let state = Mutex(State())
    private let wake = DispatchSemaphore(value: 0)

    /// False when there is no place, or nobody who works.
    func push(_ work: FollowUp, at now: NIODeadline) -> Bool {
        let (isTaken, wakes) = state.withLock { state -> (Bool, Bool) in
            guard !state.isClosing, state.waiting.count < Self.most, !state.isHanging(at: now) else { return (false, false) }
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

    /// The next task of the thread, which waits for it; `nil` when it is to end.
    func next() -> Work? {
        while true {
            let task = state.withLock { state -> Work? in state.take(at: .now()) }
            if let task { return task }
            if state.withLock({ $0.isClosing }) { return nil }
            wake.wait()
        }
    }

    /// Whether the thread still has the comparison that it took last. Nobody takes it back from then on.
    func claim() -> Bool {
        state.withLock { state in
            defer { state.current = nil }
            return state.current != nil
        }
    }

    /// What a hanging thread holds up, to be written without pairs. Empty while it works.
    func rescue(at now: NIODeadline) -> [ComparisonJob] {
        state.withLock { $0.isHanging(at: now) ? $0.takeAll() : [] }
    }

    /// Comparisons that nobody has judged, where the thread hangs.
    func unjudged(at now: NIODeadline) -> [Compared] {
        state.withLock { state in
            guard state.isHanging(at: now) else { return [] }
            defer { state.written.removeAll(keepingCapacity: true) }
            return Array(state.written)
        }
    }

    /// The thread ends when it has done what is there.
    func close() {
        state.withLock { $0.isClosing = true }
        wake.signal()
    }

    var isDone: Bool { state.withLock { $0.busy == nil && $0.waiting.isEmpty } }
    var isHanging: Bool { state.withLock { $0.isHanging(at: .now()) } }

    /// Ends the thread with its next task. What it did not come to.
    func stop() -> [ComparisonJob] {
        state.withLock { state in
            state.isStopped = true
            return state.takeAll()
        }
    }
}

extension ComparisonQueue.State {
    func isHanging(at now: NIODeadline) -> Bool { busy.map { now - $0 > ComparisonQueue.patience } ?? false }

    mutating func wakes() -> Bool {
        defer { isAsleep = false }
        return isAsleep
    }

    mutating func take(at now: NIODeadline) -> ComparisonQueue.Work? {
        busy = nil
        current = nil
        guard !isStopped else { return nil }
        if let compared = written.popFirst() { return .judge(compared) }
        guard let work = waiting.popFirst() else {
            isAsleep = true
            return nil
        }
        busy = now
        if case .comparison(let job) = work { current = job }
        return .follow(work)
    }

    mutating func takeAll() -> [ComparisonJob] {
        var jobs: [ComparisonJob] = []
        if let current { jobs.append(current) }
        current = nil
        for case .comparison(let job) in waiting { jobs.append(job) }
        waiting.removeAll(keepingCapacity: true)
        return jobs
    }
}
