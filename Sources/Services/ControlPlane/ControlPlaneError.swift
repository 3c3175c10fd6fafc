// Why the control plane cannot start.

package struct ControlPlaneError: Error, Sendable, CustomStringConvertible {
    package struct Code: Hashable, Sendable {
        private enum Value: Hashable { case address, addressInUse, tokens }
        private var value: Value
        /// The address may not be bound, or cannot be.
        package static let address = Code(value: .address)
        package static let addressInUse = Code(value: .addressInUse)
        /// The token file cannot be used.
        package static let tokens = Code(value: .tokens)
    }

    package var code: Code
    /// What is wrong and what to do.
    package var message: String
    package var cause: (any Error)?

    package init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package var description: String { message }
}
