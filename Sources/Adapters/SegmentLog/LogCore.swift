// The log's two threads of work: one writes, one reads and acknowledges.
internal import Decisions
internal import Dispatch
internal import Ports
private import Synchronization

/// Shared by the log's owner and its thread, which keeps it until everything was written.
final class LogCore: Sendable {
    private struct State {
        var queue: AppendQueue
        var map: SegmentMap
        var isClosed = false
        var closers: [@Sendable () -> Void] = []
    }

    let disk: any LogDisk
    private let options: SegmentLog.Options
    private let state: Mutex<State>
    /// Held for the length of a write, by the log's thread alone.
    private let writer: Mutex<SegmentWriter>
    private let wake = DispatchSemaphore(value: 0)
    /// Disks block: neither an event loop nor the shared async threads may wait for them. One at a time, so that what is read is not removed meanwhile.
    private let reading = DispatchQueue(label: "penstock.decisions.reading")

    init(disk: any LogDisk, opened: OpenedLog, options: SegmentLog.Options) {
        self.disk = disk
        self.options = options
        let limits = AppendQueue.Limits(entries: options.waitingEntries, bytes: options.waitingBytes)
        state = Mutex(State(queue: AppendQueue(last: opened.map.durable, limits: limits), map: opened.map))
        writer = Mutex(opened.writer)
    }

    // MARK: Appending

    func append(_ entry: PendingEntry, durable: Bool, completion: @escaping AppendQueue.Completion) {
        let taken = state.withLock { state -> Result<(sequence: UInt64, wakes: Bool), DecisionLogError> in
            do throws(DecisionLogError) { return .success(try state.queue.append(entry, completion: durable ? completion : nil)) } catch { return .failure(error) }
        }
        switch taken {
        case .success(let place):
            if place.wakes { wake.signal() }
            if !durable { completion(.success(place.sequence)) }
        case .failure(let error): completion(.failure(error))
        }
    }

    /// The log's own thread.
    func run() {
        var isFlush = false
        var flush: DispatchTime?
        while true {
            switch state.withLock({ $0.queue.turn(isFlush: isFlush) }) {
            case .write(let batch):
                flush = nil
                write(batch)
            case .sleep: wake.wait()
            case .sleepUntilFlush:
                let due = flush ?? .now() + .milliseconds(Int(options.flushInterval.wholeMilliseconds))
                flush = due
                isFlush = wake.wait(timeout: due) == .timedOut
                continue
            case .end: return finish()
            }
            isFlush = false
        }
    }

    private func write(_ batch: AppendQueue.Batch) {
        let (outcome, open) = writer.withLock { writer in (writer.write(batch.entries), writer.open) }
        switch outcome {
        case .durable:
            state.withLock { $0.map.update(open) }
            for waiting in batch.waiting { waiting.completion?(.success(waiting.sequence)) }
        case .unavailable(let reason):
            let behind = state.withLock { state in
                state.map.update(open)
                return state.queue.giveUp(batch, durable: state.map.durable)
            }
            complete([batch, behind], with: DecisionLogError(.unavailable, reason))
        case .broken(let reason):
            let failure = DecisionLogError(.broken, reason)
            let behind = state.withLock { $0.queue.fail(failure, batch, durable: $0.map.durable) }
            complete([batch, behind], with: failure)
        }
    }

    private func complete(_ batches: [AppendQueue.Batch], with failure: DecisionLogError) {
        for waiting in batches.flatMap(\.waiting) { waiting.completion?(.failure(failure)) }
    }

    // MARK: Closing

    /// `completion` is called once nothing waits any more and the folder is free.
    func close(_ completion: @escaping @Sendable () -> Void) {
        let (isClosed, wakes) = state.withLock { state in
            if state.isClosed { return (true, false) }
            state.closers.append(completion)
            return (false, state.queue.close())
        }
        if wakes { wake.signal() }
        if isClosed { completion() }
    }

    private func finish() {
        let closers = reading.sync {
            disk.release()
            return state.withLock { state in
                state.isClosed = true
                defer { state.closers = [] }
                return state.closers
            }
        }
        for closer in closers { closer() }
    }

    // MARK: Reading and acknowledging

    func offThread<Value: Sendable>(
        _ body: @escaping @Sendable (LogCore) throws(DecisionLogError) -> Value
    ) async throws(DecisionLogError) -> Value {
        let result: Result<Value, DecisionLogError> = await withCheckedContinuation { continuation in
            reading.async { [self] in
                guard !state.withLock({ $0.isClosed }) else {
                    return continuation.resume(returning: .failure(DecisionLogError(.unavailable, "the decision log is closed")))
                }
                do throws(DecisionLogError) { continuation.resume(returning: .success(try body(self))) } catch {
                    continuation.resume(returning: .failure(error))
                }
            }
        }
        return try result.get()
    }

    func map() -> SegmentMap { state.withLock { $0.map } }

    func acknowledge(through sequence: UInt64) throws(DecisionLogError) {
        let (map, failure) = state.withLock { ($0.map, $0.queue.failure) }
        if let failure { throw failure }
        guard sequence <= map.durable else {
            throw DecisionLogError(.refused, "\(sequence) is acknowledged, and the log is durable up to \(map.durable) only; was it another node's?")
        }
        guard sequence > map.acknowledged else { return }
        do throws(CursorFile.Failure) { try CursorFile.save(sequence, on: disk) } catch {
            switch error {
            case .unavailable(let failure): throw DecisionLogError(.unavailable, "the acknowledgement cannot be kept: \(failure.message)")
            case .unknown(let failure): throw breakDown(failure)
            }
        }
        let removable = state.withLock { state in
            state.map.acknowledged = sequence
            return state.map.removable(retaining: options.retainedBytes)
        }
        if !removable.isEmpty { try remove(removable) }
    }

    /// Oldest first, so that a crash leaves no gap. A file that cannot be removed stays until the next acknowledgement.
    private func remove(_ segments: [SegmentEntry]) throws(DecisionLogError) {
        do throws(DiskFailure) {
            for segment in segments {
                try disk.remove(SegmentName.text(of: segment.first))
                state.withLock { _ = $0.map.segments.removeFirst() }
            }
        } catch { return }
        do throws(DiskFailure) { try disk.syncFolder() } catch { throw breakDown(error) }
    }

    /// Everybody who waits learns it, and everybody who comes.
    private func breakDown(_ failure: DiskFailure) -> DecisionLogError {
        let broken = DecisionLogError(.broken, SegmentWriter.sentence(for: failure))
        let waiting = state.withLock { $0.queue.fail(broken, AppendQueue.Batch(), durable: $0.map.durable) }
        complete([waiting], with: broken)
        return broken
    }

    func status() -> DecisionLogStatus {
        state.withLock { state in
            DecisionLogStatus(
                oldest: state.map.oldest, last: max(state.queue.last, state.map.durable), durable: state.map.durable, acknowledged: state.map.acknowledged,
                bytes: state.map.bytes, waiting: state.queue.waiting, overloaded: state.queue.overloaded, lost: state.queue.lost,
                broken: state.queue.failure?.message)
        }
    }
}
