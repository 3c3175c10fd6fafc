// Writes the records of one release straight from requests into buffers.
package import Contracts
package import Inference
package import Primitives

/// Made once a release. What is the same in all its records was rendered then; a record is its `DecisionRecord`, byte for byte, without making one.
package struct RecordWriter: Sendable {
    package let stamp: ReleaseStamp
    package let projection: RecordProjection
    private let opening: [UInt8]

    /// `contract` is the release's request contract.
    package init(stamp: ReleaseStamp, contract: DataContract, key: RecordKey) {
        self.stamp = stamp
        projection = RecordProjection(contract: contract, key: key)
        opening = DecisionRecord.opening(stamp, key.id)
    }

    /// `request` is what the decision answered. The answer is the entity's hash. Refuses what the projection refuses; then nothing was appended.
    package func append(
        _ decision: Decision, at time: Instant, latencyMicroseconds: UInt64, request: UnsafeRawBufferPointer, to buffer: inout [UInt8]
    ) throws(MalformedRow) -> KeyedHash? {
        precondition(decision.stamp.spec == stamp.spec && decision.release == stamp.release, "a release's records are written by its own writer")
        let start = buffer.count
        buffer += opening
        DecisionRecord.append(decision, time, latencyMicroseconds, to: &buffer)
        do throws(MalformedRow) {
            let entity = try projection.append(request, to: &buffer)
            DecisionRecord.close(entity, to: &buffer)
            return entity
        } catch {
            buffer.removeSubrange(start...)
            throw error
        }
    }
}
