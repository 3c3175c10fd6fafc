// What deliberately wrong stores share between their closures.
import Synchronization

/// A number and a place to wait, for faults that need two callers to meet. Waiting gives up after many turns, so that nothing hangs.
final class Meeting: Sendable {
    private let count = Atomic(0)
    func arrive() { count.wrappingAdd(1, ordering: .relaxed) }

    func wait(for more: Int) async {
        let goal = count.load(ordering: .relaxed) + more
        for _ in 0..<20_000 where count.load(ordering: .relaxed) < goal { await Task.yield() }
    }
}

/// What several closures share.
final class Kept<Value: Sendable>: Sendable {
    let value: Mutex<Value>
    init(_ value: Value) { self.value = Mutex(value) }
}

final class BusyFlag: Sendable {
    private let isBusy = Atomic(false)
    func take() -> Bool { isBusy.exchange(true, ordering: .acquiringAndReleasing) }
    func free() { isBusy.store(false, ordering: .releasing) }
}
