// Why contracts and a model do not fit together.

/// A refusal by this room. Files that do not read are refused with `DocumentError`, which names their line.
package struct ContractError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case noFeatures, weakened }
        private var value: Value
        /// A training contract without a column of the role `feature`.
        package static let noFeatures = Code(value: .noFeatures)
        /// A request contract that promises less than the model was trained on.
        package static let weakened = Code(value: .weakened)
    }

    package var code: Code
    /// What is wrong and what to do, for people.
    package var message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
