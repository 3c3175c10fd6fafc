// Sends what the log holds to the control plane, and lets go of it when it has arrived.
internal import Decisions
internal import Logging
internal import Ports

/// One batch at a time, from the acknowledged cursor on. Killed anywhere, it sends a batch again that the control plane has, which is harmless.
actor RecordPusher {
    private let log: any DecisionLog
    private let link: any ControlPlaneLink
    private let logger: Logger
    /// Said once and not at every pass.
    private var said: String?
    private var lost: UInt64 = 0
    /// Where the control plane stands when it has less than was acknowledged: it was restored from a backup.
    private var behind: UInt64?

    private static let batchBytes = 1 << 20

    init(log: any DecisionLog, link: any ControlPlaneLink, logger: Logger) {
        self.log = log
        self.link = link
        self.logger = logger
    }

    /// Whether there is more to send at once. What comes while a small batch is sent waits for the next pass: each batch is an entry of the ledger.
    func pass() async -> Bool {
        alarm()
        let cursor = behind ?? log.status().acknowledged
        do {
            let entries = try await log.read(after: cursor, limit: Self.batchBytes)
            guard let last = entries.last?.sequence else {
                behind = nil
                return false
            }
            // The place in its write is the node's own affair, and so is 1 here.
            let through = try await link.push(entries.map { LogFrame(sequence: $0.sequence, place: 1, kind: $0.kind, payload: $0.payload) })
            let isFull = entries.reduce(0) { $0 + $1.payload.count } >= Self.batchBytes / 2
            return try await take(through, sent: last) && (isFull || behind != nil)
        } catch {
            say("decisions are not sent: \(error)", isError: (error as? LinkError)?.code != .unavailable)
            return false
        }
    }

    private func take(_ through: UInt64, sent last: UInt64) async throws(DecisionLogError) -> Bool {
        let status = log.status()
        guard through <= status.durable else {
            say("the control plane has \(through) entries of this node and its log has \(status.durable): the log was lost or replaced", isError: true)
            return false
        }
        if through < status.acknowledged {
            // The batch before was acknowledged and is not there. What is still held is sent again.
            guard behind != through else {
                say("the control plane has entries up to \(through) only, and the next ones are gone from here", isError: true)
                return false
            }
            logger.warning("the control plane lacks entries that it had acknowledged", metadata: ["through": "\(through)", "acknowledged": "\(status.acknowledged)"])
            behind = through
            return true
        }
        behind = nil
        said = nil
        try await log.acknowledge(through: through)
        return through < status.durable && through >= last
    }

    /// Buffered entries that never reached the disk are told as soon as they are counted.
    private func alarm() {
        let now = log.status().lost
        if now > lost { logger.error("buffered decisions were lost", metadata: ["lost": "\(now)"]) }
        lost = now
    }

    private func say(_ sentence: String, isError: Bool) {
        guard said != sentence else { return }
        said = sentence
        logger.log(level: isError ? .error : .info, "decisions wait in this node's log", metadata: ["reason": "\(sentence)"])
    }
}
