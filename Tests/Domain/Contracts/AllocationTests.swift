// An accepted row takes no memory: looked at where scripts/allocation_shim.c counts, which scripts/check starts.
import Contracts
import Foundation
import Testing

@Suite struct AllocationTests {
    private typealias Count = @convention(c) () -> Int

    /// The shim's own count of this thread; `nil` without the shim.
    private static let allocations: Count? = dlsym(nil, "penstock_allocations").map { unsafeBitCast($0, to: Count.self) }

    @Test(.enabled(if: allocations != nil)) func anAcceptedRowTakesNoMemory() throws {
        let count = try #require(Self.allocations), admission = try RowAdmissionTests.admission()
        let accepted = Array(#"{"n":-1.5e0,"c":"x","b":true,"i":7,"e":"N14228","t":"2013-06-30T12:00:00Z","note":"text"}"#.utf8)
        let malformed = Array(#"{"n":}"#.utf8)
        var row = [Double](repeating: 0, count: admission.featureCount)
        /// How often memory was taken for a hundred rows, after one that may set something up.
        func taken(_ bytes: [UInt8]) -> Int {
            bytes.withUnsafeBytes { bytes in
                row.withUnsafeMutableBufferPointer { row in
                    _ = admission.admit(bytes, into: row)
                    let before = count()
                    for _ in 0..<100 { _ = admission.admit(bytes, into: row) }
                    return count() - before
                }
            }
        }
        #expect(taken(accepted) == 0)
        #expect(row == [1, 7, 1, -1.5])
        // The count sees what is there to be seen: a refusal is a sentence, and a sentence is memory.
        #expect(taken(malformed) >= 100)
    }
}
