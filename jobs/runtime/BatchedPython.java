import java.lang.reflect.Field;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.Method;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;

import org.apache.flink.api.common.state.BroadcastState;
import org.apache.flink.api.common.state.MapState;
import org.apache.flink.api.common.state.MapStateDescriptor;
import org.apache.flink.api.common.typeinfo.PrimitiveArrayTypeInfo;
import org.apache.flink.api.common.typeinfo.TypeInformation;
import org.apache.flink.api.common.typeinfo.Types;
import org.apache.flink.api.java.tuple.Tuple;
import org.apache.flink.api.java.typeutils.RowTypeInfo;
import org.apache.flink.api.java.typeutils.TupleTypeInfo;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.runtime.execution.SuppressRestartsException;
import org.apache.flink.runtime.state.VoidNamespace;
import org.apache.flink.runtime.state.VoidNamespaceSerializer;
import org.apache.flink.streaming.api.graph.StreamConfig;
import org.apache.flink.streaming.api.operators.InternalTimer;
import org.apache.flink.streaming.api.operators.InternalTimerService;
import org.apache.flink.streaming.api.operators.OneInputStreamOperator;
import org.apache.flink.streaming.api.operators.Output;
import org.apache.flink.streaming.api.operators.Triggerable;
import org.apache.flink.streaming.api.operators.TwoInputStreamOperator;
import org.apache.flink.streaming.api.operators.python.embedded.AbstractEmbeddedPythonFunctionOperator;
import org.apache.flink.streaming.runtime.streamrecord.StreamRecord;
import org.apache.flink.streaming.runtime.tasks.ProcessingTimeService;
import org.apache.flink.streaming.runtime.tasks.StreamTask;
import org.apache.flink.types.Row;
import org.apache.flink.util.OutputTag;

/**
 * A keyed PyFlink operator, with or without a broadcast input, that crosses into Python once for many elements.
 *
 * <p>Elements and due timers are gathered together with the state that each is sure to need. One call hands them over
 * (`batch_runner.py`) and returns what is to be written to state, which timers are to be set, and what goes out. PyFlink's own
 * operator crosses for every element, every access to state, every timer and every result.
 *
 * <p>PyFlink's bundles say when to cross: after so many elements or so many milliseconds, before a checkpoint, and
 * before the watermark moves on. So nothing is ever half done in a checkpoint. State, timers and broadcast have the names
 * and serializers of PyFlink's thread mode: its savepoints restore here.
 *
 * <p>Compiled by Flink's code generator, Janino, where the job runs: no lambdas and no type arguments.
 */
public class BatchedPython extends AbstractEmbeddedPythonFunctionOperator
        implements OneInputStreamOperator, TwoInputStreamOperator, Triggerable {

    /** However few the elements are, more than this many bytes are not gathered. */
    private static final int MAX_BYTES = 4 * 1024 * 1024;

    private final byte[] runner;
    private final String stateName;
    private final String broadcastName;
    private final TypeInformation outputType;
    private final OutputTag[] sides;

    /**
     * The interpreter, and how to call a method there. By reflection: under `flink run` the job has a copy of PyFlink's
     * jar of its own, and would take the interpreter's class from there, while the superclass has the cluster's.
     */
    private transient Object python;

    private transient Method callPython;

    private transient InternalTimerService timers;
    private transient MapState entries;
    private transient BroadcastState broadcast;
    /** The state entries that are handed over with every element. */
    private transient String[] readFirst;

    /** By element: its key, that key as text, the element or the moment of a timer, and the entries that are read first. */
    private transient ArrayList keys;
    private transient ArrayList names;
    private transient ArrayList elements;
    private transient ArrayList firstEntries;
    private transient int bytes;

    public BatchedPython(
            Object[] references, StreamTask task, StreamConfig streamConfig, Output output, ProcessingTimeService time) {
        super((Configuration) references[0]);
        runner = (byte[]) references[1];
        stateName = (String) references[2];
        broadcastName = (String) references[3];
        outputType = (TypeInformation) references[4];
        sides = (OutputTag[]) references[5];
        setup(task, streamConfig, output);
        setProcessingTimeService(time);
    }

    public void open() throws Exception {
        keys = new ArrayList();
        names = new ArrayList();
        elements = new ArrayList();
        firstEntries = new ArrayList();
        timers = getInternalTimerService("user-timers", VoidNamespaceSerializer.INSTANCE, this);
        entries = (MapState) getPartitionedState(
                VoidNamespace.INSTANCE,
                VoidNamespaceSerializer.INSTANCE,
                new MapStateDescriptor(
                        stateName, Types.STRING, PrimitiveArrayTypeInfo.BYTE_PRIMITIVE_ARRAY_TYPE_INFO));
        if (broadcastName != null) {
            broadcast = getOperatorStateBackend().getBroadcastState(
                    new MapStateDescriptor(broadcastName, Types.STRING, Types.STRING));
        }
        super.open();
    }

    public void openPythonInterpreter() {
        try {
            Field field = AbstractEmbeddedPythonFunctionOperator.class.getDeclaredField("interpreter");
            field.setAccessible(true);
            python = field.get(this);
            Class type = python.getClass();
            callPython = type.getMethod("invokeMethod", new Class[] {String.class, String.class, Object[].class});
            type.getMethod("set", new Class[] {String.class, Object.class})
                    .invoke(python, new Object[] {"pickled", runner});
            type.getMethod("exec", new Class[] {String.class})
                    .invoke(python, new Object[] {"import pickle; runner = pickle.loads(pickled); del pickled"});
            List wanted = (List) call("open", new Object[] {this});
            readFirst = new String[wanted.size()];
            for (int i = 0; i < readFirst.length; i++) {
                readFirst[i] = (String) wanted.get(i);
            }
        } catch (Exception problem) {
            RuntimeException failure =
                    new RuntimeException("The Python end of " + getOperatorName() + " did not open.", problem);
            if (String.valueOf(problem).contains("OtherRelease")) {
                // No restart on this task manager could help.
                throw new SuppressRestartsException(failure);
            }
            throw failure;
        }
    }

    public void close() throws Exception {
        try {
            if (readFirst != null) {
                call("close", new Object[0]);
            }
        } finally {
            super.close();
        }
    }

    /** Calls a method of the runner. */
    private Object call(String method, Object[] arguments) throws Exception {
        try {
            return callPython.invoke(python, new Object[] {"runner", method, arguments});
        } catch (InvocationTargetException wrapped) {
            Throwable problem = wrapped.getCause();
            throw problem instanceof Exception ? (Exception) problem : wrapped;
        }
    }

    /** The only input, where there is no broadcast. */
    public void processElement(StreamRecord element) throws Exception {
        processElement1(element);
    }

    public void processElement1(StreamRecord element) throws Exception {
        gather(((Row) element.getValue()).getField(1));
    }

    public void processElement2(StreamRecord element) throws Exception {
        invokeFinishBundle();
        Long watermark = Long.valueOf(timers.currentWatermark());
        carryOut(call("broadcast", new Object[] {element.getValue(), watermark}));
    }

    public void onEventTime(InternalTimer timer) throws Exception {
        gather(Long.valueOf(timer.getTimestamp()));
    }

    public void onProcessingTime(InternalTimer timer) throws Exception {
        invokeFinishBundle();
        // What was gathered before has turned to keys of its own.
        setCurrentKey(timer.getKey());
        keep(Long.valueOf(timer.getTimestamp()));
        cross("wake");
    }

    private void gather(Object element) throws Exception {
        keep(element);
        if (bytes > MAX_BYTES) {
            invokeFinishBundle();
        } else {
            checkInvokeFinishBundleByCount();
        }
    }

    private void keep(Object element) throws Exception {
        Row key = (Row) getCurrentKey();
        keys.add(key);
        names.add(String.valueOf(key.getField(0)));
        elements.add(element);
        for (int i = 0; i < readFirst.length; i++) {
            firstEntries.add(entries.get(readFirst[i]));
        }
        elementCount++;
        if (element instanceof byte[]) {
            bytes += ((byte[]) element).length;
        }
    }

    protected void invokeFinishBundle() throws Exception {
        lastFinishBundleTime = getProcessingTimeService().getCurrentProcessingTime();
        if (elementCount > 0) {
            cross("take");
        }
        if (bundleFinishedCallback != null) {
            Runnable callback = bundleFinishedCallback;
            bundleFinishedCallback = null;
            callback.run();
        }
    }

    private void cross(String method) throws Exception {
        Object[] given = new Object[] {
            names.toArray(),
            elements.toArray(),
            firstEntries.toArray(),
            Long.valueOf(timers.currentWatermark()),
            Long.valueOf(getProcessingTimeService().getCurrentProcessingTime())
        };
        Object answer = call(method, given);
        elementCount = 0;
        bytes = 0;
        names.clear();
        elements.clear();
        firstEntries.clear();
        carryOut(answer);
        keys.clear();
    }

    /** Does what Python says: the `Answer` of `batch_runner.py`. */
    private void carryOut(Object answer) throws Exception {
        Object[] parts = (Object[]) answer;
        LongBuffer written = numbers(parts[0]);
        Object[] entryNames = (Object[]) parts[1];
        Object[] content = (Object[]) parts[2];
        for (int i = 0; i < content.length; i++) {
            turnTo(written.get());
            if (content[i] == null) {
                entries.remove(entryNames[i]);
            } else {
                entries.put(entryNames[i], content[i]);
            }
        }
        LongBuffer moments = numbers(parts[3]);
        while (moments.hasRemaining()) {
            turnTo(moments.get());
            boolean ofEventTime = moments.get() != 0;
            long moment = moments.get();
            if (ofEventTime) {
                timers.registerEventTimeTimer(VoidNamespace.INSTANCE, moment);
            } else {
                timers.registerProcessingTimeTimer(VoidNamespace.INSTANCE, moment);
            }
        }
        byte[] outputs = (byte[]) parts[4];
        Object[] values = (Object[]) parts[5];
        for (int i = 0; i < outputs.length; i++) {
            if (outputs[i] == 0) {
                output.collect(new StreamRecord(built(outputType, values[i])));
            } else {
                OutputTag side = sides[outputs[i] - 1];
                output.collect(side, new StreamRecord(built(side.getTypeInfo(), values[i])));
            }
        }
    }

    private static LongBuffer numbers(Object bytes) {
        return ByteBuffer.wrap((byte[]) bytes).order(ByteOrder.nativeOrder()).asLongBuffer();
    }

    private void turnTo(long element) {
        setCurrentKey(keys.get((int) element));
    }

    /** What Python sent, as Flink has it: Python knows neither rows nor how wide a number is. */
    private static Object built(TypeInformation type, Object value) {
        if (type instanceof RowTypeInfo) {
            Object[] fields = (Object[]) value;
            Row row = new Row(fields.length);
            for (int i = 0; i < fields.length; i++) {
                row.setField(i, built(((RowTypeInfo) type).getTypeAt(i), fields[i]));
            }
            return row;
        }
        if (type instanceof TupleTypeInfo) {
            Object[] fields = (Object[]) value;
            Tuple tuple = Tuple.newInstance(fields.length);
            for (int i = 0; i < fields.length; i++) {
                tuple.setField(built(((TupleTypeInfo) type).getTypeAt(i), fields[i]), i);
            }
            return tuple;
        }
        if (type.getTypeClass() == Integer.class) {
            return Integer.valueOf(((Number) value).intValue());
        }
        if (type.getTypeClass() == Long.class) {
            return Long.valueOf(((Number) value).longValue());
        }
        return value;
    }

    /** For Python: a state entry that was not handed over. */
    public byte[] entry(int element, String name) throws Exception {
        setCurrentKey(keys.get(element));
        return (byte[]) entries.get(name);
    }

    /** For Python: what is in the broadcast state, keys and values in turn. */
    public ArrayList broadcastState() throws Exception {
        ArrayList found = new ArrayList();
        for (Object entry : broadcast.entries()) {
            found.add(((Map.Entry) entry).getKey());
            found.add(((Map.Entry) entry).getValue());
        }
        return found;
    }

    /** For Python: adds to the broadcast state. */
    public void putBroadcast(String key, String value) throws Exception {
        broadcast.put(key, value);
    }
}
