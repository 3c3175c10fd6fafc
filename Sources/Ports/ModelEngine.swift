// What loads a model and scores rows with it.

package struct ModelEngineError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case libraryMissing, unreadable, mismatch, failed }
        private var value: Value
        package static let libraryMissing = Code(value: .libraryMissing)
        /// The library refuses the model file.
        package static let unreadable = Code(value: .unreadable)
        /// The model wants another number of features than its signature has.
        package static let mismatch = Code(value: .mismatch)
        package static let failed = Code(value: .failed)
    }

    package var code: Code
    /// One sentence with the remedy; names the model and, for a missing library, the command that brings it.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}

/// Loads models. Loading blocks and is done off every event loop.
package protocol ModelEngine: Sendable {
    /// Loads a model from bytes that were verified against its digest. `features` is the signature's count.
    func load(_ model: [UInt8], format: String, features: Int) throws(ModelEngineError) -> any LoadedModel
    /// What computes the scores of models of this format, so that a measurement can be told from one made elsewhere: the library's file name and the
    /// digest of its bytes.
    func runtime(of format: String) -> String
}

/// A model in memory. Freed when the last reference goes.
package protocol LoadedModel: AnyObject, Sendable {
    /// A scorer for one thread at a time; each event loop makes its own. Scoring through different scorers is safe in parallel.
    func makeScorer() throws(ModelEngineError) -> any RowScorer
}

/// Scores one row at a time without allocating. Not Sendable: it owns scratch space.
package protocol RowScorer: AnyObject {
    /// One value per feature in signature order; missing is NaN; a category is its position in the contract's list.
    func score(_ row: UnsafeBufferPointer<Double>) throws(ModelEngineError) -> Double
}
