from ktrace.stream.printk_formats import PrintkFormats


def test_texts_by_address():
    loaded = []

    def load():
        loaded.append(1)
        return '0xffffffff81000000 : "Start\\t\\"it\\"\\n"\n0x10 : "C:\\x"\nnoise\n'

    texts = PrintkFormats(load)
    assert not loaded
    assert texts(0xFFFFFFFF81000000) == 'Start\t"it"\n'
    assert texts(0x10) == "C:\\x"
    assert texts(0x11) is None
    assert loaded == [1]
