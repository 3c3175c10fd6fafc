// Frames one behind another, as a node sends them to its control plane.

/// The frames of a segment without its header: the checksums that were written to the node's disk travel along.
package enum FrameBatch {
    /// What is sent at once, in bytes: a little over what one reading of the log gives.
    package static let mostBytes = 4 << 20

    package static func encode(_ frames: [LogFrame]) -> [UInt8] {
        var bytes: [UInt8] = []
        for frame in frames { frame.append(to: &bytes) }
        return bytes
    }

    /// Dense from the first one's sequence, at least one.
    package static func decode(_ bytes: [UInt8]) throws(RecordError) -> [LogFrame] {
        let frames = bytes.withUnsafeBytes { raw -> Result<[LogFrame], RecordError> in
            var frames: [LogFrame] = []
            var offset = 0
            while true {
                switch LogFrame.read(raw, at: offset, due: frames.last.map { $0.sequence &+ 1 }) {
                case .frame(let view):
                    frames.append(LogFrame(sequence: view.sequence, place: view.place, kind: view.kind, payload: Array(raw[view.payload])))
                    offset = view.end
                case .end: return .success(frames)
                case .defect(let defect): return .failure(RecordError("the batch is damaged at byte \(offset): \(defect); send it again"))
                }
            }
        }
        let found = try frames.get()
        guard !found.isEmpty else { throw RecordError("the batch has no entry") }
        return found
    }
}
