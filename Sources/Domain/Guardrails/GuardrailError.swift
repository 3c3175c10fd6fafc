// Why a guardrail cannot be set up or taken up again.

package struct GuardrailError: Error, Hashable, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case unfit, damaged }
        private var value: Value
        /// The rule cannot be measured where it was asked to be.
        package static let unfit = Code(value: .unfit)
        /// The kept state is not one of this rule; start the count anew.
        package static let damaged = Code(value: .damaged)
    }

    package var code: Code
    /// One sentence: what was refused, why, and what to do instead.
    package var message: String

    init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { message }
}
