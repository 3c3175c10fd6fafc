// The values of parameters: text, numbers and truths, and how `--set` gives others.
package import Primitives

/// One parameter's value. Two are equal when a stage cannot tell them apart; text is compared by bytes.
package enum ParameterValue: Sendable {
    case text(String)
    /// Finite, and never minus zero.
    case number(Double)
    case bool(Bool)

    /// So that all of a stage's parameters fit into its environment.
    package static let mostTextBytes = 4096
    /// All parameters of one stage, spelled out.
    package static let mostBytesOfAStage = 64 * 1024
    /// Beyond it a whole number is not exact.
    private static let largestWhole = 9_007_199_254_740_992.0

    /// What `$PENSTOCK_PARAM_<NAME>` holds. Frozen: fingerprints hold it.
    package var spelled: String {
        switch self {
        case .text(let text): text
        case .number(let number): number == number.rounded() && abs(number) <= Self.largestWhole ? String(Int64(number)) : number.description
        case .bool(let bool): bool ? "true" : "false"
        }
    }

    /// A number or truth as JSON spells it is one when it stands without quotes; everything else is text. `nil` for nothing at all.
    package static func read(_ node: DocumentNode) throws(DocumentError) -> ParameterValue? {
        if node.isNull { return nil }
        guard case .scalar(let text, let plain) = node.value else {
            throw DocumentError("a parameter is text, a number, true or false; found \(node.kind)", at: node.place)
        }
        if plain {
            if text == "true" || text == "false" { return .bool(text == "true") }
            if let number = try number(text, node) { return .number(number) }
        }
        if let fault = fault(in: text) { throw DocumentError(fault, at: node.place) }
        return .text(text)
    }

    private static func number(_ text: String, _ node: DocumentNode) throws(DocumentError) -> Double? {
        guard let number = try? node.number() else {
            guard isJSONNumber(text) else { return nil }
            throw DocumentError("'\(cut(text, to: 60))' is too large for a number; put it in quotes to pass it as text", at: node.place)
        }
        guard isJSONNumber(text) else {
            throw DocumentError("'\(cut(text, to: 60))' could be a number or text; write \(Self.number(number).spelled), or put it in quotes", at: node.place)
        }
        guard isExact(text) else {
            throw DocumentError("'\(cut(text, to: 60))' is too large to be an exact number; put it in quotes to pass it as text", at: node.place)
        }
        return number == 0 ? 0 : number
    }

    /// What is written as a whole number must not be rounded; anything else is meant to be.
    private static func isExact(_ text: String) -> Bool {
        let isWhole = text.utf8.allSatisfy { $0 == UInt8(ascii: "-") || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }
        return !isWhole || (Int64(text).map { $0.magnitude <= UInt64(largestWhole) } ?? false)
    }

    static func fault(in text: String) -> String? {
        if text.utf8.contains(0) { return "a parameter's text holds no NUL; take it out" }
        if text.utf8.count > mostTextBytes { return "a parameter's text has at most \(mostTextBytes) bytes; put longer text into a file" }
        return nil
    }

    /// The value that `--set` gives to a parameter of this one's type; `nil` when it is none.
    func replaced(by text: String) -> ParameterValue? {
        switch self {
        case .text: return Self.fault(in: text) == nil ? .text(text) : nil
        case .bool: return text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
        case .number:
            guard Self.isJSONNumber(text), let number = Double(text), number.isFinite, Self.isExact(text) else { return nil }
            return .number(number == 0 ? 0 : number)
        }
    }

    /// RFC 8259: an optional minus, digits without a leading zero, an optional fraction, an optional exponent.
    private static func isJSONNumber(_ text: String) -> Bool {
        var rest = Array(text.utf8)[...]
        func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
        func digits() -> ArraySlice<UInt8> {
            defer { rest = rest.drop(while: isDigit) }
            return rest.prefix(while: isDigit)
        }
        if rest.first == UInt8(ascii: "-") { rest.removeFirst() }
        let whole = digits()
        guard whole.count == 1 || whole.count > 1 && whole.first != UInt8(ascii: "0") else { return false }
        if rest.first == UInt8(ascii: ".") {
            rest.removeFirst()
            guard !digits().isEmpty else { return false }
        }
        if rest.first == UInt8(ascii: "e") || rest.first == UInt8(ascii: "E") {
            rest.removeFirst()
            if rest.first == UInt8(ascii: "+") || rest.first == UInt8(ascii: "-") { rest.removeFirst() }
            guard !digits().isEmpty else { return false }
        }
        return rest.isEmpty
    }
}

extension ParameterValue: Hashable {
    package static func == (left: ParameterValue, right: ParameterValue) -> Bool {
        switch (left, right) {
        case (.text(let left), .text(let right)): left.utf8.elementsEqual(right.utf8)
        case (.number(let left), .number(let right)): left == right
        case (.bool(let left), .bool(let right)): left == right
        case (.text, _), (.number, _), (.bool, _): false
        }
    }

    package func hash(into hasher: inout Hasher) {
        switch self {
        case .text(let text): for byte in text.utf8 { hasher.combine(byte) }
        case .number(let number): hasher.combine(number)
        case .bool(let bool): hasher.combine(bool)
        }
    }
}

/// In JSON a value stands for itself.
extension ParameterValue: Codable {
    package init(from decoder: any Decoder) throws {
        let container = try decoder.singleValueContainer()
        if let bool = try? container.decode(Bool.self) {
            self = .bool(bool)
        } else if let number = try? container.decode(Double.self) {
            self = .number(number == 0 ? 0 : number)
        } else {
            self = .text(try container.decode(String.self))
        }
    }

    package func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        switch self {
        case .text(let text): try container.encode(text)
        case .number(let number): try container.encode(number)
        case .bool(let bool): try container.encode(bool)
        }
    }
}
