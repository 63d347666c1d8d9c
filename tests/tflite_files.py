"""TFLite programs that hold constants, written with the package that reads them."""

import flatbuffers
import numpy as np
import tflite

_OPTIONS = {"CONV_2D": "Conv2D", "DEPTHWISE_CONV_2D": "DepthwiseConv2D"}
_TYPES = {
    np.dtype(np.float32): tflite.TensorType.FLOAT32,
    np.dtype(np.int8): tflite.TensorType.INT8,
    np.dtype(np.int32): tflite.TensorType.INT32,
    np.dtype(np.bool_): tflite.TensorType.BOOL,
}


def quantize(array, axis=None, zero=0):
    """A constant as 8 bits, with a scale for each channel along ``axis`` or one for all."""
    others = tuple(k for k in range(array.ndim) if k != axis) if axis is not None else None
    scale = np.abs(array).max(others) / 100
    along = [1] * array.ndim
    along[axis or 0] = -1
    rounded = np.round(array / np.reshape(scale, along)) + zero
    return rounded.astype(np.int8), np.atleast_1d(scale), axis or 0, zero


def write_tflite(path, operators):
    """Write a program.

    Parameters
    ----------
    operators : list of (str, str or None, list)
        Kind, activation, and constants: arrays, or what `quantize` gives. Each operator has
        one more input before them, which is no constant.
    """
    builder = flatbuffers.Builder(1024)
    buffers, tensors, operations = [_buffer(builder, None)], [_tensor(builder, (1,), 0)], []
    kinds = list(dict.fromkeys(kind for kind, _, _ in operators))
    for kind, activation, constants in operators:
        inputs = [0]
        for constant in constants:
            array, *quantization = constant if isinstance(constant, tuple) else (constant,)
            inputs.append(len(tensors))
            tensors.append(
                _tensor(builder, array.shape, len(buffers), _TYPES[array.dtype], *quantization)
            )
            buffers.append(_buffer(builder, array))
        operations.append(_operator(builder, kinds.index(kind), kind, activation, [*inputs, -1]))
    vectors = [
        _vector(builder, tflite.SubGraphStartTensorsVector, tensors),
        _vector(builder, tflite.SubGraphStartOperatorsVector, operations),
    ]
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, vectors[0])
    tflite.SubGraphAddOperators(builder, vectors[1])
    graph = tflite.SubGraphEnd(builder)
    codes = [_code(builder, kind) for kind in kinds]
    graphs = _vector(builder, tflite.ModelStartSubgraphsVector, [graph])
    codes = _vector(builder, tflite.ModelStartOperatorCodesVector, codes)
    buffers = _vector(builder, tflite.ModelStartBuffersVector, buffers)
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, 3)
    tflite.ModelAddSubgraphs(builder, graphs)
    tflite.ModelAddOperatorCodes(builder, codes)
    tflite.ModelAddBuffers(builder, buffers)
    builder.Finish(tflite.ModelEnd(builder), b"TFL3")
    path.write_bytes(bytes(builder.Output()))
    return str(path)


def _vector(builder, start, offsets):
    start(builder, len(offsets))
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return builder.EndVector()


def _buffer(builder, array):
    data = None if array is None else builder.CreateByteVector(array.tobytes())
    tflite.BufferStart(builder)
    if data is not None:
        tflite.BufferAddData(builder, data)
    return tflite.BufferEnd(builder)


def _tensor(builder, shape, buffer, kind=tflite.TensorType.FLOAT32, scale=None, axis=0, zero=0):
    shape = builder.CreateNumpyVector(np.array(shape, np.int32))
    quantization = None
    if scale is not None:
        scales = builder.CreateNumpyVector(scale.astype(np.float32))
        zeros = builder.CreateNumpyVector(np.full(len(scale), zero, np.int64))
        tflite.QuantizationParametersStart(builder)
        tflite.QuantizationParametersAddScale(builder, scales)
        tflite.QuantizationParametersAddZeroPoint(builder, zeros)
        tflite.QuantizationParametersAddQuantizedDimension(builder, axis)
        quantization = tflite.QuantizationParametersEnd(builder)
    tflite.TensorStart(builder)
    tflite.TensorAddShape(builder, shape)
    tflite.TensorAddType(builder, kind)
    tflite.TensorAddBuffer(builder, buffer)
    if quantization is not None:
        tflite.TensorAddQuantization(builder, quantization)
    return tflite.TensorEnd(builder)


def _operator(builder, code, kind, activation, inputs):
    options = None
    if activation is not None:
        name = f"{_OPTIONS.get(kind, 'FullyConnected')}Options"
        getattr(tflite, f"{name}Start")(builder)
        number = getattr(tflite.ActivationFunctionType, activation)
        getattr(tflite, f"{name}AddFusedActivationFunction")(builder, number)
        options = getattr(tflite, f"{name}End")(builder)
    inputs = builder.CreateNumpyVector(np.array(inputs, np.int32))
    tflite.OperatorStart(builder)
    tflite.OperatorAddOpcodeIndex(builder, code)
    tflite.OperatorAddInputs(builder, inputs)
    if options is not None:
        tflite.OperatorAddBuiltinOptionsType(builder, getattr(tflite.BuiltinOptions, name))
        tflite.OperatorAddBuiltinOptions(builder, options)
    return tflite.OperatorEnd(builder)


def _code(builder, kind):
    number = getattr(tflite.BuiltinOperator, kind)
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, number)
    tflite.OperatorCodeAddBuiltinCode(builder, number)
    return tflite.OperatorCodeEnd(builder)
